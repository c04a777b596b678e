"""The measured rates as Markdown: the marks first, then one table per section and quantity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from analysis.calibration.rows import Row

TITLES = {
    "pairs": "Gained and lost: tests and intervals from counts",
    "controls": "One direction among k controls",
    "searches": "Six alphas on the same problems",
    "curves": "Curves over alpha",
    "strata": "Strata, and all conditions at once",
    "clusters": "Seeds and directions",
    "looks": "Looking before the end",
    "means": "Means and single accuracies",
    "sequences": "Intervals that may be read at any time",
    "bands": "Bands over six alphas that have effects",
    "accuracies": "The best of six alphas, by accuracy",
    "traps": "What the guide warns of",
    "missing": "Losses that cannot be read",
    "plans": "Plans that stop: the whole family, size family-wise",
    "verdicts": "Verdicts: whole experiments through the tables and the rules",
}
QUANTITIES = {
    "size": "Size: rejections at .05 without an effect",
    "power": "Power: rejections at .05 with an effect",
    "coverage": "Coverage of nominal 95 % intervals",
    "gain": "Gain where there is no effect, a fraction of problems",
    "tail size": "Size far below .05: candidates are as the controls, and neither need be normal",
    "false support": "Verdicts where the candidate is nothing special, on either claim",
}


def marks_table(rows: Sequence[Row]) -> str:
    """For every mark that was asked: settings, the extremes, and the settings that miss it."""
    lines = [
        "| method | asked | settings | lowest | mean | highest | missed |",
        "|---|---|---|---|---|---|---|",
    ]
    for (method, quantity, mark), group in _grouped(
        (row for row in rows if row.mark), lambda row: (row.method, row.quantity, row.mark)
    ):
        values = [row.value for row in group]
        missed = [row for row in group if row.verdict == "misses"]
        lines.append(
            f"| {method}, {quantity} | {_range(mark)} | {len(group)} | {number(min(values))} "
            f"| {number(sum(values) / len(values))} | {number(max(values))} | {_missed(missed)} |"
        )
    return "\n".join(lines)


def rate_tables(rows: Sequence[Row]) -> str:
    """One table per section and quantity: settings down, methods across."""
    parts: list[str] = []
    for (section,), group in _grouped(rows, lambda row: (row.section,)):
        parts.append(f"## {TITLES.get(section, section)}")
        for (quantity,), some in _grouped(group, lambda row: (row.quantity,)):
            # Methods with other settings (intervals of d, say) stand in a table of their own.
            for (keys,), table in _grouped(some, lambda row: (tuple(row.setting),)):
                parts.append(f"### {QUANTITIES.get(quantity, quantity)}")
                parts.append(_pivot(list(keys), table))
    return "\n\n".join(parts)


def number(value: float) -> str:
    """Four decimals without the zero before the point, as rates are printed."""
    return f"{value:.4f}".replace("0.", ".", 1) if value < 1 else "1"


def _pivot(keys: list[str], rows: Sequence[Row]) -> str:
    methods = list(dict.fromkeys(row.method for row in rows))
    lines = [
        "| " + " | ".join([*keys, *methods]) + " |",
        "|" + "---|" * (len(keys) + len(methods)),
    ]
    for (setting,), group in _grouped(rows, lambda row: (tuple(row.setting.values()),)):
        cells = {row.method: row for row in group}
        values = [_cell(cells.get(method)) for method in methods]
        lines.append("| " + " | ".join([*map(_short, setting), *values]) + " |")
    return "\n".join(lines)


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    text = f"{number(row.value)} ± {number(row.error)}"
    return f"**{text}**" if row.verdict == "misses" else text


def _missed(rows: Sequence[Row]) -> str:
    if not rows:
        return "none"
    shown = [
        f"{number(row.value)} ± {number(row.error)} at "
        + ", ".join(f"{key} {_short(value)}" for key, value in row.setting.items())
        for row in rows
    ]
    return "; ".join(shown)


def _range(mark: Any) -> str:
    low, high = mark
    return f"≤ {number(high)}" if low == 0 else f"{number(low)} to {number(high)}"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _grouped(rows: Iterable[Row], key: Any) -> list[tuple[tuple[Any, ...], list[Row]]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return list(groups.items())
