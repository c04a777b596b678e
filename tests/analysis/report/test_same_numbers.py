"""A number that a report shows twice is the same number: tables, sentences, figures, explorer."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from analysis import tables, words
from analysis.report.brief import briefs
from analysis.report.document import Grid, Picture, flat
from analysis.report.explorer import explorer
from analysis.report.verdicts import store_verdicts
from analysis.tables.readings import Readings
from tests.analysis.charts.test_charts import datasets

HEADS = {
    "Difference (points)": "difference", "Primary (points)": "difference", "Pairs": "n",
    "Effect (points)": "difference", "Gained": "gained", "Lost": "lost", "Steered": "accuracy",
    "Baseline": "baseline", "95 % Tango": "interval", "p (mid-p)": "p", "p (Holm)": "p adjusted",
    "Mean of controls": "controls", "p (rank)": "p rank", "Unreadable": "unreadable",
}  # fmt: skip
# Quantities of their own under a head that others have too.
OTHERS = {
    "logprobs": {"p (Holm)", "p (rank)", "Baseline"},
    "missing": {"p (Holm)", "p (rank)"},
    "bounds": {"95 % Tango", "p (mid-p)"},
    "strata": set(HEADS),
    "homogeneity": set(HEADS),
}
Shown = dict[tuple[str, str, str, str], dict[str, list[str]]]


def in_tables(shown: Shown, section: str, grid: Grid) -> None:
    """What the cells of one table say, by series, dose and quantity."""
    kind = grid.name.split("-")[0]
    for row in grid.rows:
        cells = dict(zip(grid.head, row, strict=True))
        series = cells.get("Direction", cells.get("Candidate", ""))
        if kind == "numbers":
            series = grid.title.removesuffix(": the numbers")
            limits = cells["Difference (points) [95 %]"]
            cells["Difference (points)"], _, limits = limits.partition(" ")
            cells["95 % Tango"] = limits
            cells["Gained"], cells["Lost"] = cells["Gained/lost"].split("/")
        dose = cells.get("α", cells.get("Quantity", "")).removeprefix("α = ")
        if not dose or (kind == "strata"):
            continue
        for head, cell in cells.items():
            if head in HEADS and head not in OTHERS.get(kind, set()):
                value = cell.split(" (")[0]
                shown[section, series, dose, HEADS[head]][value].append(grid.name)


def in_figures(shown: Shown, section: str, picture: Picture) -> None:
    """What is drawn, written as the tables write it."""
    kind = picture.figure.kind.name
    if kind == "doses":
        # Of the problems without a missing outcome at any dose: where that is fewer, its n says so.
        whole = picture.figure.place.rows(tables.doses)["n"].min()
        if whole < picture.figure.place.rows(tables.effects)["n"].max():
            assert re.search(rf"n = {whole}\b", picture.figure.caption)
            return
    if kind in ("controls", "doses"):
        for values in datasets(picture.figure.drawing.build(100.0).to_dict(validate=False)):
            for row in values:
                if row.get("quantity") == "signed effect":
                    dose = f"signed, |α| = {row['dose']:g}"
                elif row.get("role") == "candidate":
                    dose = row["panel"].rpartition(", α = ")[2].removeprefix("α = ")
                    if "signed" in dose:
                        dose = dose[dose.index("signed") :]
                else:
                    continue
                value = words.points(row["estimate"])
                shown[section, row["series"], dose, "difference"][value].append(picture.figure.name)
    if kind not in ("accuracy", "forest", "transitions", "push"):
        return
    for values in datasets(picture.figure.drawing.build(100.0).to_dict(validate=False)):
        for row in values:
            if row.get("alpha", row.get("alpha_label")) in (None, 0, "0") or "series" not in row:
                continue
            dose = row.get("alpha_label") or words.alpha(row["alpha"])
            at = (section, row["series"], dose)
            said: dict[str, Any] = {
                "accuracy": "accuracy" in row and words.percent(row["accuracy"]),
                "baseline": "baseline_accuracy" in row and words.percent(row["baseline_accuracy"]),
                "difference": "estimate" in row and words.points(row["estimate"]),
                "gained": row.get("gained_label", "")[1:]
                or ("gained" in row and str(row["gained"])),
                "lost": row.get("lost_label", "")[1:] or ("lost" in row and str(row["lost"])),
                "p adjusted": row.get("p_label"),
                "interval": "low" in row and words.interval(row["low"], row["high"]),
            }
            for name, value in said.items():
                if value:
                    shown[*at, name][value].append(picture.figure.name)


def in_explorer(shown: Shown, made: dict[str, Any]) -> None:
    for context in made["contexts"]:
        for direction in context["directions"]:
            if direction["label"].endswith(", control"):
                continue
            for row in direction["results"][""]:
                at = (context["label"], direction["label"], words.alpha(row[0]))
                said = {"n": row[5], "gained": row[6], "lost": row[7], "accuracy": row[9]}
                said |= {"baseline": row[10], "difference": row[11]}
                said |= {"interval": row[12].split(" (")[0], "p": row[13].split(" (")[0]}
                said |= {"p adjusted": row[14]}
                for name, value in said.items():
                    shown[*at, name][str(value)].append("explorer")


AT = re.compile(r"at α = ([+−][\d.]+)(?: by|,) ([+−]?[\d.]+) points(?: (\[[^]]+\]) on (\d+))?")
VERDICT = re.compile(
    r"α = ([+−][\d.]+): ([+−]?[\d.]+) points (\[[^]]+\]), (\d+) gained and (\d+) lost of (\d+), "
    r"corrected p (?:= )?(< [\d.]*\d|[\d.]*\d)"
)
SIGNED = re.compile(r"at \|α\| = ([\d.]+) ([+−]?[\d.]+) points against ([+−]?[\d.]+)")


def in_sentences(shown: Shown, readings: Readings) -> int:
    """Numbers of the verdicts and of what stands in brief; how many there are."""
    found = 0
    for verdict in store_verdicts(readings):
        for dose, *values in VERDICT.findall(verdict.reason):
            names = ("difference", "interval", "gained", "lost", "n", "p adjusted")
            for name, value in zip(names, values, strict=True):
                shown[verdict.where, verdict.series, dose, name][value].append("verdict")
                found += 1
        for dose, signed, controls in SIGNED.findall(verdict.reason):
            at = (verdict.where, verdict.series, f"signed, |α| = {dose}")
            shown[*at, "difference"][signed].append("verdict")
            shown[*at, "controls"][controls].append("verdict")
    for one in briefs(readings):
        series, _, where = one.title.rpartition(" on the ")
        texts = [one.sentence, *(why for _, why in one.answers)]
        for dose, difference, interval, n in AT.findall(" ".join(texts)):
            said = {"difference": difference, "interval": interval, "n": n}
            for name, value in said.items():
                if value:
                    shown[where, series, dose, name][value].append("brief")
                    found += 1
    return found


def test_numbers_that_are_shown_twice_are_equal(varied_readings, varied_blocks) -> None:
    readings, blocks = varied_readings, flat(varied_blocks)
    shown: Shown = defaultdict(lambda: defaultdict(list))
    slugs: dict[str, str] = {}
    for block in blocks:
        if isinstance(block, Picture) and block.figure.place.section:
            slugs[block.figure.place.slug] = block.figure.place.where
            in_figures(shown, block.figure.place.where, block)
    for block in blocks:
        if isinstance(block, Grid):
            name = block.name
            of = block.title.removesuffix(": the numbers") if name.startswith("numbers-") else ""
            slug = name.removeprefix(f"numbers-{of}-") if of else name.partition("-")[2]
            if slug in slugs:
                in_tables(shown, slugs[slug], block)
    in_explorer(shown, explorer(readings))
    assert in_sentences(shown, readings) > 5
    apart = {
        key: dict(values)
        for key, values in shown.items()
        # A point where only counts stand beside each other has one text.
        if len({value.replace("0.0", "0") for value in values if value != "–"}) > 1
    }
    assert apart == {}
    often = sum(len(places) > 2 for values in shown.values() for places in values.values())
    assert often > 50
