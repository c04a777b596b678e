"""A series has an identity: where every field varies nothing is merged or overwritten."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pandas as pd
import pytest

from analysis import tables
from analysis.figures.catalogue import figures
from analysis.report.brief import briefs
from analysis.report.document import Grid, Heading, flat
from analysis.report.explorer import explorer
from analysis.report.verdicts import store_verdicts
from analysis.tables.base import CONTEXT, CURVE, STEERING
from analysis.tables.readings import Readings
from analysis.tables.series import labelled, named_sections, settings
from analysis.words import field_words, series_labels
from sql import loader
from tests.analysis.charts.test_charts import datasets
from tests.reading import read

PLACE = [*CONTEXT, *(name for name in STEERING if name != "direction")]
GRAINS = {
    "accuracy_curves": [*CURVE, "alpha"],
    "beyond_controls": [*PLACE, "candidate", "claim", "control_kind"],
    "controls": [*PLACE, "candidate", "control_kind", "quantity", "alpha"],
    "controls_strip": [*PLACE, "candidate", "control_kind", "quantity", "alpha", "direction"],
    "doses": [*CURVE, "dose", "quantity"],
    "effects": [*CURVE, "alpha"],
    "equal_push": [*PLACE, "first", "second", "push"],
    "forest": [*CURVE, "alpha"],
    "gold_logprobs": [*CURVE, "alpha"],
    "homogeneity": [*CURVE, "alpha", "scheme"],
    "missingness": [*CURVE, "alpha"],
    "problem_grid": [*CURVE, "alpha", "rank"],
    "sections": [*CURVE, "alpha"],
    "strata": [*CURVE, "alpha", "scheme", "stratum"],
    "transitions": [*CURVE, "alpha"],
    "trends": CURVE,
}


@pytest.fixture(scope="module")
def readings(varied_readings) -> Readings:
    return varied_readings


@pytest.fixture(scope="module")
def drawn(readings):
    return figures(readings)


@pytest.fixture(scope="module")
def blocks(varied_blocks):
    return flat(varied_blocks)


def test_sections_are_called_by_what_tells_them_apart(readings) -> None:
    found = {section.where: section for section in named_sections(readings)}
    assert len(found) == 5
    plain = "primary set, codi protocol, synthetic-codi, greedy, float32"
    assert {where.removeprefix("primary set, codi protocol, ") for where in found} == {
        "synthetic-codi, greedy, float32",
        "synthetic-codi, greedy, bfloat16",
        "synthetic-codi, temperature 0.7, float32",
        "synthetic-codi, max_new_tokens 6, greedy, float32",
        "other-codi, greedy, float32",
    }
    assert sorted(set(settings(readings).values())) == ["", "max_new_tokens 6"]
    effects = labelled(tables.effects(readings), readings)
    own = effects[(effects["where"] == plain) & (effects["role"] == "candidate")]
    assert set(own["series"]) == {
        "first, schedule uniform, add",
        "first, schedule uniform, clamp",
        "first, schedule last, add",
        "second, schedule uniform, add",
    }
    others = effects[(effects["where"] != plain) & (effects["role"] == "candidate")]
    assert set(others["series"]) == {"first", "second"}


def test_fields_read_as_words() -> None:
    said = {
        ("decoding", '{"mode": "greedy"}'): "greedy",
        ("decoding", '{"mode": "sample", "temperature": 0.7}'): "temperature 0.7",
        ("decoding", "beam"): "beam",
        ("decoding", "5"): "5",
        ("n_seeds", 1): "1 seed",
        ("n_seeds", 3.0): "3 seeds",
        ("schedule", "[1, 0]"): "schedule [1, 0]",
        ("effect", "direct"): "direct effect",
        ("baseline_id", "0123456789ab"): "baseline 01234567",
        ("set_name", None): "",
        ("n_seeds", float("nan")): "",
    }
    assert {key: field_words(*key) for key in said} == said


def test_what_no_field_tells_apart_the_baseline_does() -> None:
    frame = pd.DataFrame(
        {"direction": ["v", "v", None], "dtype": "float32", "baseline_id": ["a", "b", "c"]}
    )
    assert series_labels(frame) == ["v, baseline a", "v, baseline b", None]
    assert series_labels(frame[:1]) == ["v"]
    assert series_labels(frame[:1], among=frame) == ["v, baseline a"]
    both = frame.assign(dtype=["float32", "bfloat16", "float16"])
    assert series_labels(both) == ["v, float32", "v, bfloat16", None]


@pytest.mark.parametrize("name", GRAINS)
def test_no_table_has_two_rows_of_one_name(readings, name) -> None:
    table = getattr(tables, name)(readings)
    assert len(table)
    assert not table.duplicated(GRAINS[name]).any()
    if not {"direction", "candidate"} & set(table):
        return
    named = labelled(table, readings)
    keys = [key for key in GRAINS[name] if key not in PLACE]
    assert not named.duplicated(["where", "series", *keys]).any()


def test_every_figure_has_a_file_and_a_title_of_its_own(drawn) -> None:
    for kind in ("name", "title"):
        often = Counter(getattr(figure, kind).casefold() for figure in drawn)
        assert [one for one, count in often.items() if count > 1] == []
    sections = {figure.place.where for figure in drawn if figure.place.section}
    assert len(sections) == 5
    for figure in drawn:
        assert figure.place.where in figure.title
        if figure.kind.name in ("accuracy", "forest", "transitions", "controls"):
            assert f"({figure.place.where})" in figure.caption


def test_no_chart_puts_two_series_on_one_line_or_bar(drawn, readings) -> None:
    problems = int(read(readings.path, "sets_overview").to_pandas()["n"].iloc[0])
    for figure in drawn:
        if figure.kind.composed:
            continue
        rows = [
            row
            for values in datasets(figure.drawing.build(100.0).to_dict(validate=False))
            for row in values
        ]
        # Layers repeat their data: the same rows, and no others of the same name.
        lines = {
            tuple(row.items()) for row in rows if {"series", "alpha", "accuracy"} <= row.keys()
        }
        named = [dict(line) for line in lines]
        keys = [(r["series"], r["alpha"], r.get("stratum_label")) for r in named]
        assert len(set(keys)) == len(keys), figure.name
        bars: Counter[Any] = Counter()
        for row in map(dict, {tuple(row.items()) for row in rows}):
            if row.get("outcome") and "problems" in row and "series" in row:
                bars[row["series"], row["alpha_label"]] += row["problems"]
        seeds = 3 if "temperature" in figure.title else 1
        assert set(bars.values()) <= {problems * seeds}, figure.name


def test_every_heading_table_and_row_of_the_report_has_a_name_of_its_own(blocks) -> None:
    for names in (
        [block.text for block in blocks if isinstance(block, Heading)],
        [block.anchor for block in blocks if isinstance(block, Heading)],
        [block.name for block in blocks if isinstance(block, Grid)],
    ):
        assert [one for one, count in Counter(names).items() if count > 1] == []
    at = ("Direction", "Candidate", "α", "|α|", "Stratum", "Quantity", "Controls", "Question")
    for grid in (block for block in blocks if isinstance(block, Grid)):
        keys = [i for i, head in enumerate(grid.head) if head in at]
        if "Direction" in grid.head or "Candidate" in grid.head:
            often = Counter(tuple(row[i] for i in keys) for row in grid.rows)
            assert max(often.values()) == 1, (grid.name, often.most_common(1))


def test_verdicts_and_briefs_name_their_series(readings) -> None:
    verdicts = store_verdicts(readings)
    titles = [(one.claim, one.series, one.where) for one in verdicts]
    assert len(set(titles)) == len(titles) == 24
    made = briefs(readings)
    assert len({one.title for one in made}) == len(made) == 12
    assert sum("clamp" in one.sentence for one in made) == 1


def test_the_explorer_tells_its_choices_apart(readings) -> None:
    found = json.loads(json.dumps(explorer(readings)))["contexts"]
    assert len({context["label"] for context in found}) == len(found) == 5
    for context in found:
        labels = [one["label"] for one in context["directions"]]
        assert len(set(labels)) == len(labels)


IDENTITY = {"model", "protocol", "decoding", "dtype", "site", "schedule", "operator", "effect"}


@pytest.mark.parametrize("name", sorted(loader.queries()))
def test_a_query_tells_conditions_of_one_direction_and_dose_apart(varied, name) -> None:
    given: dict[str, Any] = {"problem": "Problem 1:"} if name == "problem_history" else {}
    given |= (
        {"alpha": 2.0} if "alpha" in {p.name for p in loader.queries()[name].parameters} else {}
    )
    table = read(varied, name, **given).to_pandas()
    if "direction" not in table or name == "direction_cosines":
        return
    assert "condition_id" in table or set(table) >= IDENTITY | {"baseline_id"} - {"condition_id"}
    measured = {c for c in table if table[c].dtype.kind in "fib" and c not in ("alpha", "seed")}
    keys = [c for c in table if c not in measured or c in ("position", "side")]
    often = table[keys].astype(str).value_counts()
    assert often.empty or often.max() == 1, often.head(2)


def test_problems_flip_under_the_controls_of_one_way(varied) -> None:
    table = read(varied, "flips_under_every_control", alpha=2.0, least=1).to_pandas()
    outcomes = read(varied, "paired_outcomes").to_pandas()
    own = outcomes[(outcomes["role"] == "control") & (outcomes["alpha"] == 2.0)]
    most = own.groupby([*IDENTITY, "problem_id"], dropna=False)["direction"].nunique().max()
    assert 0 < table["n_controls"].max() <= most
