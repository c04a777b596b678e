"""Write the report of a store: Markdown, one HTML file, LaTeX tables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from analysis.charts import styles
from analysis.report.content import content
from analysis.report.document import Block, Picture, flat
from analysis.tables.readings import Readings, Source, opened
from analysis.vocabulary import ReportFormat, all_checked
from sql.errors import UserError

STYLE = styles.STYLES["report"]


def write_report(
    store: Source,
    out: Path | str | None = None,
    formats: Sequence[ReportFormat] = ("md", "html"),
) -> list[Path]:
    """Write `report.md`, `.html`, `.tex` into `out` (default: the store); returns what was written.

    Figures of the Markdown version are SVG files in `report_figures/` beside it, those of the
    LaTeX version PDF files.

    Raises:
        UserError: No format or an unknown one, or a folder that cannot be written.
    """
    from store.layout import open_store, write_atomically

    all_checked(formats, ReportFormat, "format")
    open_store(opened(store).path)
    readings = opened(store)
    folder = Path(out) if out is not None else readings.path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "permission denied")
    except OSError as error:
        raise UserError(f"cannot write the report into {folder}: {error.strerror}") from error
    blocks = content(readings)
    drawings = {
        block.figure.name: block.figure.svg(STYLE)
        for block in flat(blocks)
        if isinstance(block, Picture)
    }
    written = []
    for form in formats:
        path = folder / f"report.{form}"
        write_atomically(path, _text(blocks, drawings, form, folder, readings).encode())
        written.append(path)
    return written


def _text(
    blocks: Sequence[Block],
    drawings: dict[str, str],
    form: ReportFormat,
    folder: Path,
    readings: Readings,
) -> str:
    """The report in one format."""
    if form == "html":
        from analysis.report.explorer import explorer
        from analysis.report.html import as_html

        return as_html(blocks, drawings, store=str(readings.path), explorer=explorer(readings))
    from analysis.charts.render import to_pdf
    from analysis.report.latex import as_latex
    from analysis.report.markdown import as_markdown
    from store.layout import write_atomically

    pictures = Path("report_figures")
    (folder / pictures).mkdir(exist_ok=True)
    suffix = "pdf" if form == "tex" else "svg"
    paths = {name: pictures / f"{name}.{suffix}" for name in drawings}
    for name, svg in drawings.items():
        content = to_pdf(svg) if form == "tex" else svg.encode("utf-8")
        write_atomically(folder / paths[name], content)
    return as_latex(blocks, paths) if form == "tex" else as_markdown(blocks, paths)
