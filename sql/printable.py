"""Texts that models, files and other people wrote, as they may be shown.

A control character rings, moves the cursor or recolours a terminal, is no part of XML and ends the
process that draws charts; a mark of direction makes a line read other than it is written. Wherever
a text leaves for a reader, in a terminal, a page, a figure or a paper, such characters are shown as
what they are, in the escapes of Python. What leaves for a program (CSV, JSON, Parquet) is whole.
"""

from __future__ import annotations

import re
from typing import Any

# C0 without tab and line feed, DEL, C1, marks of direction, separators of lines, surrogates,
# variation of nothing (byte order mark, non-characters).
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_SPACE = re.compile(r"[ \t\n]+")


def printable(text: str) -> str:
    r"""The text with every character that is no part of it to a reader shown as its escape.

    >>> print(printable("a\x07b\x1b[31m"))
    a\x07b\x1b[31m
    """
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def one_line(text: str) -> str:
    """The printable text in one line, for a cell, a title or a message."""
    return _SPACE.sub(" ", printable(text)).strip()


def all_printable(value: Any) -> Any:
    """A nested value of JSON whose texts are printable, those that are keys too."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {all_printable(key): all_printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [all_printable(item) for item in value]
    return value


class Screen:
    """A stream of text to a person: whatever is written to it is printable.

    Rich, which draws in colours of its own, looks for the stream beneath and writes to that: what
    it is given of others has to be printable before.
    """

    def __init__(self, stream: Any) -> None:
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        """Write text; the carriage return of a progress bar stays."""
        self.rich_proxied_file.write("\r".join(map(printable, text.split("\r"))))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)
