"""Tables for a paper (booktabs), and the whole report as a LaTeX document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from analysis.report.document import Block, Bullets, Explore, Finding, Fold, Grid, Heading, Text

# Characters that LaTeX reads as commands, and those its text fonts lack.
_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "α": r"$\alpha$", "−": r"$-$", "×": r"$\times$", "≥": r"$\geq$", "≤": r"$\leq$", "<": r"$<$",
    ">": r"$>$", "|": r"$|$", "±": r"$\pm$", "–": "--", "“": "``", "”": "''", "’": "'",
    "\u2009": r"\,", "·": r"$\cdot$",
}  # fmt: skip
_BOLD, _CODE = re.compile(r"\*\*(.+?)\*\*"), re.compile(r"`(.+?)`")
PREAMBLE = r"""\documentclass[a4paper,10pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=20mm]{geometry}
\usepackage{booktabs,longtable,graphicx,pdflscape}
\setlength{\parindent}{0pt}\setlength{\parskip}{5pt}
\begin{document}
"""


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def marked_up(text: str) -> str:
    """Escaped text with its bold and code parts."""
    bold = _BOLD.sub(r"\\textbf{\1}", escaped(text))
    return _CODE.sub(r"\\texttt{\1}", bold)


def grid_latex(grid: Grid) -> str:
    r"""One table with booktabs rules: ``\input`` it where the paper wants it.

    Needs the packages booktabs and longtable; numbers and their heads are right-aligned.
    """
    numeric = [all(_number(row[i]) for row in grid.rows) for i in range(len(grid.head))]
    columns = "".join("r" if is_number else "l" for is_number in numeric)
    head = " & ".join(escaped(cell) for cell in grid.head) + r" \\"
    body = "\n".join(" & ".join(escaped(cell) for cell in row) + r" \\" for row in grid.rows)
    note = f"\n\n{{\\small {escaped(grid.note)}}}" if grid.note else ""
    return (
        f"\\begin{{longtable}}{{@{{}}{columns}@{{}}}}\n\\caption{{{escaped(_titled(grid))}}}\\\\\n"
        f"\\toprule\n{head}\n\\midrule\n\\endfirsthead\n\\toprule\n{head}\n\\midrule\n\\endhead\n"
        f"{body}\n\\bottomrule\n\\end{{longtable}}{note}\n"
    )


def _titled(grid: Grid) -> str:
    return f"{grid.title} ({grid.stamp})" if grid.stamp else grid.title


def _number(cell: str) -> bool:
    return bool(re.fullmatch(r"[+−<\s]*[\d.]+( %)?|–", cell))


def as_latex(blocks: Sequence[Block], pictures: Mapping[str, Path]) -> str:
    """The report as a document; `pictures` says where each figure's PDF lies."""
    body = "\n\n".join(_block(block, pictures) for block in blocks)
    return f"{PREAMBLE}{body}\n\\end{{document}}\n"


def _block(block: Block, pictures: Mapping[str, Path]) -> str:
    if isinstance(block, Heading):
        command = {1: "section*", 2: "section", 3: "subsection"}[block.level]
        return f"\\{command}{{{escaped(block.text)}}}"
    if isinstance(block, Text):
        text = marked_up(block.text)
        return f"\\begin{{quote}}{text}\\end{{quote}}" if block.stamp else text
    if isinstance(block, Bullets):
        return _items(block.items)
    if isinstance(block, Finding):
        said = [f"**{name}** {answer}: {why}" for name, answer, why in block.marks]
        said += [f"**{claim}: {verdict}.** {why}" for claim, verdict, why in block.verdicts]
        return (
            marked_up(f"**{block.title}** ({block.stamp}). {block.sentence}") + "\n" + _items(said)
        )
    if isinstance(block, Fold):
        within = "\n\n".join(_block(one, pictures) for one in block.blocks)
        return f"\\subsection{{{escaped(block.title)}}}\n\n{within}"
    if isinstance(block, Explore):
        return ""
    if isinstance(block, Grid):
        wide = len(block.head) > 9
        table = f"{{\\footnotesize\\setlength{{\\tabcolsep}}{{3pt}}\n{grid_latex(block)}}}"
        return f"\\begin{{landscape}}\n{table}\n\\end{{landscape}}" if wide else table
    figure = block.figure
    path = pictures[figure.name].as_posix()
    width = "0.55" if figure.drawing.columns == 1 else "1"
    return (
        "\\begin{figure}[htbp]\\centering\n"
        f"\\includegraphics[width={width}\\textwidth]{{{path}}}\n"
        f"\\caption{{{escaped(figure.title)}. {escaped(figure.caption)}}}\n\\end{{figure}}"
    )


def _items(items: Sequence[str]) -> str:
    lines = "\n".join(f"\\item {marked_up(item)}" for item in items)
    return f"\\begin{{itemize}}\n{lines}\n\\end{{itemize}}"
