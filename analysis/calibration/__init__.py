"""Size, power and coverage of every method, measured by simulation with Monte-Carlo error."""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
