"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.report.document import Block, Bullets, Cards, Grid, Heading, Text


def as_markdown(blocks: Sequence[Block], pictures: dict[str, Path]) -> str:
    """The blocks as Markdown; `pictures` says where each figure's file lies."""
    return "\n\n".join(_block(block, pictures) for block in blocks) + "\n"


def _block(block: Block, pictures: dict[str, Path]) -> str:
    if isinstance(block, Heading):
        return "#" * block.level + " " + block.text
    if isinstance(block, Text):
        return f"> {block.text}" if block.stamp else block.text
    if isinstance(block, Bullets):
        return "\n".join(f"- {item}" for item in block.items)
    if isinstance(block, Grid):
        return grid_markdown(block)
    if isinstance(block, Cards):
        return "\n".join(f"- **{title}: {badge}.** {text}" for title, badge, text in block.items)
    figure = block.figure
    path = pictures[figure.name].as_posix()
    return f"![{figure.title}]({path})\n\n*{figure.title}.* {figure.caption}"


def grid_markdown(grid: Grid) -> str:
    """One table with its title and note."""
    lines = [_row(grid.head), _row(["---"] * len(grid.head)), *(_row(row) for row in grid.rows)]
    parts = [f"**{grid.title}**", "\n".join(lines)]
    return "\n\n".join([*parts, *([grid.note] if grid.note else [])])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
