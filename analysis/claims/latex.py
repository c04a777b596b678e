"""LaTeX as plain text."""

from __future__ import annotations


def latex_text(text: str) -> str:
    """The text itself."""
    return text
