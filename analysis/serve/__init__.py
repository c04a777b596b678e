"""The report page live on this machine, with a box for SQL and a chart of the answer."""

from __future__ import annotations

from typing import Any

__all__ = ["serve"]


def __getattr__(name: str) -> Any:
    """`serve`, imported when it is used."""
    if name == "serve":
        from analysis.serve.server import serve

        return serve
    raise AttributeError(f"module 'analysis.serve' has no attribute {name!r}")
