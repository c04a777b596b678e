"""The report page live on this machine, with a box for SQL and a chart of the answer."""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
