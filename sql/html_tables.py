"""A table of names and values for a notebook, escaped and printable."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from sql.printable import one_line


def html_table(title: str, rows: Sequence[Sequence[object]], below: Sequence[str] = ()) -> str:
    """HTML of a titled table whose rows begin with a name, and of the paragraphs below it.

    Whatever the texts hold is shown and never run.
    """
    lines = [f"<table><caption>{_cell(title)}</caption><tbody>"]
    for name, *values in rows:
        cells = "".join(f'<td style="text-align:left">{_cell(value)}</td>' for value in values)
        lines.append(f'<tr><th style="text-align:left">{_cell(name)}</th>{cells}</tr>')
    lines.append("</tbody></table>")
    lines += [f"<p>{_cell(text)}</p>" for text in below]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return escape(one_line(str(value)))
