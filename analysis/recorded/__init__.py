"""What is kept of an analysis: every contrast of a store tested, and written as rows."""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
