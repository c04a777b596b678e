"""The report: verdicts, tables and figures of a store, as Markdown and as one HTML file."""

from __future__ import annotations

from typing import Any

__all__ = ["write_report"]


def __getattr__(name: str) -> Any:
    """`write_report`, imported when it is used."""
    if name == "write_report":
        from analysis.report.write import write_report

        return write_report
    raise AttributeError(f"module 'analysis.report' has no attribute {name!r}")
