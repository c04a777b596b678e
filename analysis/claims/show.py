"""Verdicts as text, JSON, Markdown and HTML."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Sequence

from analysis.claims.check import Checked
from analysis.claims.judge import VERDICTS
from analysis.claims.schema import Document
from analysis.vocabulary import ClaimVerdict
from sql.printable import one_line
from store.formats import markdown_text

COLUMNS = ("verdict", "id", "printed", "recomputed", "reason")
MEANINGS: dict[ClaimVerdict, str] = {
    "PASS": "recomputed, it prints the same, or the sentence holds.",
    "UNDETERMINED": "true for some of what the printed figures leave open, false for the rest.",
    "UNSUPPORTED": "the data do not show it, and do not show the contrary.",
    "VALUE-DRIFT": "recomputed, another number would be printed, with the same conclusion.",
    "DECISION-DRIFT": "significance, sign, order or another conclusion is not what is printed.",
    "DEVIATED": "a frozen plan named it otherwise.",
    "FAIL": "impossible, contradicted by a setting, or found where absence is claimed.",
}
_COLOURS: dict[ClaimVerdict, str] = {
    "PASS": "#1a7f37",
    "UNDETERMINED": "#0969da",
    "UNSUPPORTED": "#8250df",
    "VALUE-DRIFT": "#9a6700",
    "DECISION-DRIFT": "#cf222e",
    "DEVIATED": "#bc4c00",
    "FAIL": "#82071e",
}


def summary(checked: Sequence[Checked]) -> str:
    """How many claims came to each verdict, in one line."""
    counts = Counter(c.verdict for c in checked)
    parts = [f"{counts[v]} {v}" for v in VERDICTS if counts[v]]
    noun = "claim" if len(checked) == 1 else "claims"
    return f"{len(checked)} {noun}: {', '.join(parts) or 'none'}"


def as_text(checked: Sequence[Checked]) -> str:
    """An aligned table for a terminal, one line a claim, with the summary below."""
    rows = [[one_line(getattr(c, column)) for column in COLUMNS] for c in checked]
    widths = [max([len(r[i]) for r in rows] + [len(COLUMNS[i])]) for i in range(len(COLUMNS) - 1)]
    widths = [min(width, 34) for width in widths]

    def line(cells: Sequence[str]) -> str:
        """Cells in columns, the last as long as it is."""
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
        return "  ".join([*padded, cells[-1]]).rstrip()

    return "\n".join([line(COLUMNS), *map(line, rows), "", summary(checked)])


def as_json(checked: Sequence[Checked]) -> str:
    """A list of objects: id, text, printed, recomputed, verdict, reason, kind, where, note."""
    return json.dumps([c.as_dict() for c in checked], indent=2, ensure_ascii=False)


def as_markdown(checked: Sequence[Checked], *, title: str = "Claims") -> str:
    """A Markdown table with the summary above it."""
    lines = [f"# {title}", "", summary(checked), ""]
    lines += ["| verdict | claim | printed | recomputed | why |", "|---|---|---|---|---|"]
    for c in checked:
        cells = (c.verdict, f"{c.text} (`{c.id}`)", c.printed, c.recomputed, c.reason)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def as_page(checked: Sequence[Checked], document: Document, *, command: str = "") -> str:
    """A page that explains each verdict in two sentences: what was found, and what it means.

    Args:
        checked: the verdicts.
        document: what they are about.
        command: how to make the page again.
    """
    lines = [f"# Claims of: {document.title}", "", document.about.strip(), ""]
    if command:
        lines += ["This page is generated; do not edit it:", "", f"    {command}", ""]
    lines += [f"**{summary(checked)}.**", "", "What the verdicts mean:", ""]
    lines += [f"- **{verdict}**: {meaning}" for verdict, meaning in MEANINGS.items()]
    for verdict in reversed(VERDICTS):
        claims = [c for c in checked if c.verdict == verdict]
        if claims:
            lines += ["", f"## {verdict} ({len(claims)})", ""]
            lines += [_explained(c) for c in claims]
    return "\n".join(lines) + "\n"


def _explained(claim: Checked) -> str:
    said = f"**{claim.text}** (`{claim.id}`, {claim.where}), printed *{claim.printed}*."
    reason = claim.reason[:1].upper() + claim.reason[1:].rstrip(".")
    return "- " + markdown_text(one_line(f"{said} {reason}. {claim.note}"))


def as_html(checked: Sequence[Checked], *, title: str = "Claims") -> str:
    """A self-contained page: one table, no script, nothing loaded from elsewhere."""
    head = "".join(
        f"<th scope=col>{name}</th>"
        for name in ("verdict", "claim", "printed", "recomputed", "why")
    )
    rows = "\n".join(_html_row(c) for c in checked)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem;
  padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .35rem .6rem;
  border-bottom: 1px solid #ccc }}
code {{ font-size: .85em; color: #555 }} .verdict {{ font-weight: 600; white-space: nowrap }}
</style>
<h1>{html.escape(title)}</h1>
<p>{html.escape(summary(checked))}</p>
<table><thead><tr>{head}</tr></thead><tbody>
{rows}
</tbody></table></html>
"""


def _html_row(claim: Checked) -> str:
    cells = (claim.printed, claim.recomputed, claim.reason)
    return (
        f'<tr id="{html.escape(claim.id, quote=True)}">'
        f'<td class="verdict" style="color:{_COLOURS[claim.verdict]}">{claim.verdict}</td>'
        f"<td>{html.escape(claim.text)} <code>{html.escape(claim.id)}</code></td>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        + "</tr>"
    )
