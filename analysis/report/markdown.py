"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.report.document import Block, Bullets, Explore, Finding, Fold, Grid, Heading, Text
from store.formats import markdown_cell, markdown_text


def as_markdown(blocks: Sequence[Block], pictures: dict[str, Path]) -> str:
    """The blocks as Markdown; `pictures` says where each figure's file lies."""
    return "\n\n".join(filter(None, (_block(block, pictures) for block in blocks))) + "\n"


def _block(block: Block, pictures: dict[str, Path]) -> str:
    if isinstance(block, Heading):
        return "#" * block.level + " " + markdown_text(block.text)
    if isinstance(block, Text):
        return ("> " if block.stamp else "") + markdown_text(block.text)
    if isinstance(block, Bullets):
        return "\n".join(f"- {markdown_text(item)}" for item in block.items)
    if isinstance(block, Grid):
        return grid_markdown(block)
    if isinstance(block, Finding):
        return _finding(block)
    if isinstance(block, Fold):
        within = [_block(one, pictures) for one in block.blocks]
        return "\n\n".join([f"### {markdown_text(block.title)}", *within])
    if isinstance(block, Explore):
        return ""
    figure = block.figure
    title, caption = markdown_text(figure.title), markdown_text(figure.caption)
    path = pictures[figure.name].as_posix()
    return f"![{title}]({path})\n\n*{title}.* {caption}"


def _finding(finding: Finding) -> str:
    """The sentence, the three answers, and the verdicts, each with its reason."""
    lines = [f"**{finding.title}** ({finding.stamp}). {finding.sentence}", ""]
    lines += [f"- **{name}** {answer}: {why}" for name, answer, why in finding.marks]
    lines += [f"- **{claim}: {verdict}.** {why}" for claim, verdict, why in finding.verdicts]
    return "\n".join(markdown_text(line) if line else "" for line in lines)


def grid_markdown(grid: Grid) -> str:
    """One table with its title and note."""
    lines = [_row(grid.head), _row(["---"] * len(grid.head)), *(_row(row) for row in grid.rows)]
    stamp = f" ({markdown_text(grid.stamp)})" if grid.stamp else ""
    parts = [f"**{markdown_text(grid.title)}**{stamp}", "\n".join(lines)]
    return "\n\n".join([*parts, *([markdown_text(grid.note)] if grid.note else [])])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(markdown_cell(cell) for cell in cells) + " |"
