"""Charts: what is encoded, and that the data is the table's, untouched."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from analysis import charts, tables
from analysis.charts.base import COLOURS, OUTCOMES, json_value
from analysis.tables.base import matching

PRIMARY = {"set_name": "primary", "protocol": "codi"}


def datasets(spec: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """All data of a specification, inline or named."""
    found = list(spec.get("datasets", {}).values())

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            values = node.get("data", {})
            if isinstance(values, dict) and "values" in values:
                found.append(values["values"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(spec)
    return found


def encodings(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The encoding of every unit, in order."""
    found = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "encoding" in node and "mark" in node:
                found.append({"mark": node["mark"]["type"], **node["encoding"]})
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(spec)
    return found


def column(spec: dict[str, Any], field: str) -> list[Any]:
    """Values of a field over all data, in order."""
    return [row[field] for values in datasets(spec) for row in values if field in row]


def test_the_accuracy_chart_draws_band_line_and_points(demo_like) -> None:
    curves = matching(tables.accuracy_curves(demo_like), PRIMARY)
    band = matching(tables.control_band(demo_like), PRIMARY)
    spec = charts.accuracy_chart(curves, band).to_dict()
    units = {unit["mark"]: unit for unit in encodings(spec)}
    assert units["area"]["y"]["field"] == "accuracy_low"
    assert units["area"]["y2"]["field"] == "accuracy_high"
    assert units["point"]["shape"]["field"] == units["point"]["color"]["field"] == "series"
    assert units["point"]["x"]["field"] == "alpha"
    assert units["tick"]["y"]["field"] == "accuracy_mean"
    drawn = list(column(spec, "accuracy"))
    assert drawn[: len(curves)] == pytest.approx(list(curves["accuracy"]))
    assert "title" not in spec


def test_colours_follow_the_order_of_the_directions(demo_like) -> None:
    curves = matching(tables.accuracy_curves(demo_like), PRIMARY)
    band = matching(tables.control_band(demo_like), PRIMARY)
    spec = charts.accuracy_chart(curves, band).to_dict()
    scale = next(
        u["color"]["scale"] for u in encodings(spec) if u["mark"] == "line" and "color" in u
    )
    assert scale["domain"] == ["mean_difference", "mean_difference_matched"]
    assert scale["range"] == COLOURS[:2]


def test_a_set_without_controls_has_no_band(demo_like) -> None:
    curves = matching(tables.accuracy_curves(demo_like), PRIMARY)
    band = tables.control_band(demo_like).head(0)
    marks = [u["mark"] for u in encodings(charts.accuracy_chart(curves, band).to_dict())]
    assert "tick" not in marks
    assert "line" in marks


def test_the_controls_strip_marks_candidates_among_dots(demo_like) -> None:
    strip = matching(tables.controls_strip(demo_like), PRIMARY)
    compared = matching(tables.controls(demo_like), PRIMARY)
    spec = charts.controls_chart(strip, compared).to_dict()
    assert spec["facet"]["row"]["field"] == "panel"
    assert spec["facet"]["row"]["sort"] == list(dict.fromkeys(strip["panel"]))
    rect = next(u for u in encodings(spec) if u["mark"] == "rect")
    assert (rect["x"]["field"], rect["x2"]["field"]) == ("prediction_low", "prediction_high")
    assert len(column(spec, "estimate")) == len(strip)


def test_the_forest_writes_counts_and_p_beside_each_line(demo_like) -> None:
    forest = matching(tables.forest(demo_like), PRIMARY)
    spec = charts.forest_chart(forest).to_dict()
    texts = [u["text"]["field"] for u in encodings(spec) if u["mark"] == "text"]
    assert texts == ["counts_label", "p_label"]
    assert spec["hconcat"][0]["height"] == 9 * len(forest)
    assert column(spec, "estimate")[: len(forest)] == pytest.approx(list(forest["estimate"]))


def test_transitions_stack_in_the_order_of_the_table(demo_like) -> None:
    long = matching(tables.transitions_long(demo_like), PRIMARY)
    wide = matching(tables.transitions(demo_like), PRIMARY)
    spec = charts.transitions_chart(long, wide).to_dict()
    bar = next(u for u in encodings(spec) if u["mark"] == "bar")
    assert bar["order"]["field"] == "order"
    assert bar["color"]["scale"]["domain"] == [n for n in OUTCOMES if n in set(long["outcome"])]
    assert sum(column(spec, "problems")) == wide["total"].sum()
    assert spec["facet"]["column"]["field"] == "series"


def test_strata_show_accuracy_difference_and_counts(demo_like) -> None:
    strata = matching(tables.strata(demo_like), PRIMARY)
    spec = charts.strata_chart(strata).to_dict()
    assert len(spec["vconcat"]) == 3
    fields = {u["y"]["field"] for u in encodings(spec) if u["mark"] == "point"}
    assert fields == {"accuracy", "estimate"}
    assert {u["text"]["field"] for u in encodings(spec) if u["mark"] == "text"} == {"counts_label"}


def test_doses_tell_signed_effect_from_damage(demo_like) -> None:
    doses = matching(tables.doses(demo_like), PRIMARY)
    spec = charts.dose_chart(doses).to_dict()
    line = next(u for u in encodings(spec) if u["mark"] == "line")
    assert line["color"]["scale"]["domain"] == ["signed effect", "damage"]
    assert column(spec, "estimate") == pytest.approx(list(doses["estimate"]))


def test_the_problem_grid_is_drawn_from_blocks(demo_like) -> None:
    one = PRIMARY | {"direction": "mean_difference"}
    blocks = matching(tables.problem_blocks(demo_like), one)
    lines = matching(tables.problem_strata(demo_like), one)
    spec = charts.problems_chart(blocks, lines).to_dict()
    rect = next(u for u in encodings(spec) if u["mark"] == "rect")
    assert (rect["y"]["field"], rect["y2"]["field"]) == ("first", "last")
    assert rect["x"]["sort"][0] == "−3"
    assert sum(column(spec, "problems")) == blocks["problems"].sum()


def test_direction_charts_hold_every_component_and_norm(demo_like) -> None:
    components = tables.direction_components(demo_like, "mean_difference")
    spec = charts.direction_heatmap(components).to_dict()
    scale = encodings(spec)[0]["color"]["scale"]
    assert scale["domain"] == [-components["limit"].iloc[0], components["limit"].iloc[0]]
    assert column(spec, "value") == pytest.approx(list(components["value"]))
    norms = tables.direction_norms(demo_like).drop_duplicates(["direction", "position"])
    panels = charts.direction_norms_chart(norms).to_dict()
    assert [u["y"]["field"] for u in encodings(panels) if u["mark"] == "line"] == [
        "norm",
        "relative",
    ]


def test_cosines_are_written_into_their_cells(demo_like) -> None:
    cosines = tables.direction_cosines(demo_like)
    spec = charts.cosine_chart(cosines).to_dict()
    text = next(u for u in encodings(spec) if u["mark"] == "text")
    assert text["text"]["field"] == "label"
    assert column(spec, "cosine") == pytest.approx(list(cosines["cosine"]))


def test_latents_and_power_have_a_dash_beside_the_colour(demo_like) -> None:
    growth = charts.latent_norms_chart(tables.latent_growth(demo_like)).to_dict()
    assert encodings(growth)[0]["strokeDash"]["field"] == "sign"
    power = charts.power_chart(tables.power_curves(demo_like)).to_dict()
    line = next(u for u in encodings(power) if u["mark"] == "line")
    assert line["strokeDash"]["field"] == line["color"]["field"] == "difference_label"


def luminance(colour: str) -> float:
    """Relative luminance (WCAG) of a #rrggbb colour: what grey printing keeps."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_that_meet_in_a_figure_differ_in_grey() -> None:
    for group in (COLOURS[:3], [OUTCOMES[n] for n in ("stayed right", "gained", "lost")]):
        grey = sorted(luminance(c) for c in group)
        assert all(b - a > 0.05 for a, b in itertools.pairwise(grey))


def test_missing_numbers_become_null() -> None:
    assert json_value(float("nan")) is None
    assert json_value(1.5) == 1.5


def test_calibration_shows_size_and_coverage_against_their_nominal_values() -> None:
    made = [
        {"quantity": "size", "method": "mid-p", "value": 0.04, "error": 0.002,
         "setting": {"n": 100, "discordance": 0.1}},
        {"quantity": "coverage", "method": "Tango", "value": 0.95, "error": 0.001,
         "setting": {"n": 300, "discordance": 0.2, "effect": 0.1}},
        {"quantity": "coverage", "method": "Tango", "value": 0.93, "error": 0.001,
         "setting": {"n": 300, "discordance": 0.2, "effect": 0.0}},
        {"quantity": "power", "method": "mid-p", "value": 0.5, "error": 0.01, "setting": {"k": 5}},
    ]  # fmt: skip
    table = tables.calibration_curves(made)
    assert table["x"].tolist() == [60.0, 10.0]
    assert table["value"].tolist() == pytest.approx([0.94, 0.04])
    assert table["nominal"].tolist() == [0.95, 0.05]
    spec = charts.calibration_chart(table).to_dict()
    assert spec["facet"]["column"]["field"] == "quantity"
    rule = next(u for u in encodings(spec) if u["mark"] == "rule")
    assert rule["y"]["field"] == "nominal"
    assert column(spec, "value") == pytest.approx([0.94, 0.04])
    assert tables.calibration_curves([]).empty
