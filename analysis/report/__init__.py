"""The report: verdicts, tables and figures of a store, as Markdown and as one HTML file."""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
