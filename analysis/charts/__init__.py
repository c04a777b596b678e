"""Altair charts of the tables: encodings only, all arithmetic is in `analysis.tables`."""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
