"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.report.document import Block, Bullets, Cards, Grid, Heading, Text
from store.formats import markdown_cell, markdown_text


def as_markdown(blocks: Sequence[Block], pictures: dict[str, Path]) -> str:
    """The blocks as Markdown; `pictures` says where each figure's file lies."""
    return "\n\n".join(_block(block, pictures) for block in blocks) + "\n"


def _block(block: Block, pictures: dict[str, Path]) -> str:
    if isinstance(block, Heading):
        return "#" * block.level + " " + markdown_text(block.text)
    if isinstance(block, Text):
        return ("> " if block.stamp else "") + markdown_text(block.text)
    if isinstance(block, Bullets):
        return "\n".join(f"- {markdown_text(item)}" for item in block.items)
    if isinstance(block, Grid):
        return grid_markdown(block)
    if isinstance(block, Cards):
        items = [map(markdown_text, item) for item in block.items]
        return "\n".join(f"- **{title}: {badge}.** {text}" for title, badge, text in items)
    figure = block.figure
    title, caption = markdown_text(figure.title), markdown_text(figure.caption)
    path = pictures[figure.name].as_posix()
    return f"![{title}]({path})\n\n*{title}.* {caption}"


def grid_markdown(grid: Grid) -> str:
    """One table with its title and note."""
    lines = [_row(grid.head), _row(["---"] * len(grid.head)), *(_row(row) for row in grid.rows)]
    parts = [f"**{markdown_text(grid.title)}**", "\n".join(lines)]
    return "\n\n".join([*parts, *([markdown_text(grid.note)] if grid.note else [])])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(markdown_cell(cell) for cell in cells) + " |"
