"""Where the guide's figures come from: its sections, their sources, and what those print."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from typer.testing import CliRunner

from analysis.cli.calc import app
from tests.paths import DOCS

GUIDE, CALIBRATION = DOCS / "statistics.md", DOCS / "calibration.md"
NUMBER = re.compile(r"[+−-]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:\.\d+)?")


class Figure(NamedTuple):
    """A number as it is printed."""

    text: str
    value: float
    decimals: int
    percent: bool


class Section(NamedTuple):
    """A heading's prose, and what its numbers may come from."""

    title: str
    prose: str
    examples: str
    sources: list[str]
    given: set[float]


def sections(page: str) -> list[Section]:
    """The page, cut at its headings."""
    return [_section(part) for part in re.split(r"^(?=#+ )", page, flags=re.MULTILINE) if part]


def _section(part: str) -> Section:
    sources, given = [], set()
    for comment in re.findall(r"<!-- figures\n(.*?)-->", part, re.DOTALL):
        for line in comment.splitlines():
            if line.startswith("given:"):
                given |= {f.value for f in numbers(line.removeprefix("given:"))}
            else:
                sources.append(line)
    examples = "\n".join(re.findall(r"^```python\n(.*?)^```", part, re.DOTALL | re.MULTILINE))
    prose = re.sub(r"<!--.*?-->|^```.*?^```|`[^`]*`|\]\([^)]*\)", " ", part, flags=re.S | re.M)
    return Section(part.splitlines()[0], prose, examples, sources, given)


def numbers(text: str) -> Iterator[Figure]:
    """The numbers of a text; those inside words (d1) and dates are none of ours."""
    for found in re.finditer(r"(?<![\w.,])" + NUMBER.pattern + r"(?![\w])", text):
        token = found.group().rstrip(".")
        if not re.search(r"\d", token):
            continue
        value = float(token.replace("−", "-").replace(",", ""))
        decimals = len(token.partition(".")[2])
        after = text[found.end() : found.end() + 12]
        yield Figure(token, value, decimals, bool(re.match(r"\s*(%|points)", after)))


def explained(figure: Figure, section: Section) -> bool:
    """Whether a source of the section prints this figure, or it is given."""
    if any(abs(abs(figure.value) - abs(one)) < 1e-12 for one in section.given):
        return True
    return any(prints(figure, value) for value in printed(section))


def prints(figure: Figure, value: float) -> bool:
    """Whether `value`, or it in percent, reads as the figure does; whole ones must be whole."""
    for scaled in (value, 100 * value):
        gap = abs(abs(figure.value) - abs(scaled))
        rounds = figure.decimals > 0 or (figure.percent and abs(scaled) >= 1)
        if gap <= (0.5 * 10**-figure.decimals + 1e-9 if rounds else 1e-9):
            return True
    return False


def printed(section: Section) -> list[float]:
    """All numbers of the section's sources, its examples among them."""
    values = [figure.value for figure in numbers(section.examples)]
    for source in section.sources:
        values += _calibrated(source) if source.startswith("calibration:") else _calculated(source)
    return values


@cache
def _calculated(command: str) -> list[float]:
    name, *arguments = shlex.split(command)
    assert name == "calc", command
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, (command, result.output)
    found = list(_leaves(json.loads(result.stdout)))
    return found + [figure.value for figure in numbers(command)]


def _leaves(content: Any) -> Iterator[float]:
    if isinstance(content, dict | list):
        for one in content.values() if isinstance(content, dict) else content:
            yield from _leaves(one)
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield float(content)


@cache
def _calibrated(source: str) -> list[float]:
    """Rates of a method in the tables of the calibration, in the settings that are named."""
    given = re.findall(r"""(\w+)=(?:"([^"]*)"|(\S+))""", source)
    asked = {key: quoted or plain for key, quoted, plain in given}
    method = re.sub(r"""\s*\w+=("[^"]*"|\S+)""", "", source.removeprefix("calibration:")).strip()
    found: list[float] = []
    header: list[str] = []
    for line in CALIBRATION.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            header = []
        elif not header:
            header = cells
        elif method in header and not line.startswith("|---"):
            row = dict(zip(header, cells, strict=True))
            if row[method] and all(row.get(key) == value for key, value in asked.items()):
                found.append(float(row[method].strip("*").split(" ± ")[0]))
    assert found, f"no rate in {CALIBRATION.name}: {source}"
    return found
