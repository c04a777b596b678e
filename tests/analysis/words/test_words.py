"""One value, one text: whatever prints it, a person reads the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from analysis import words
from analysis.figures.of_sets import _controls
from analysis.report.brief import briefs_of, in_lines
from analysis.report.explorer import _results
from analysis.report.grids import controls_grid, effects_grid
from analysis.report.markdown import grid_markdown
from analysis.report.text import results_text
from analysis.report.verdicts import verdicts
from analysis.tables.base import CONTEXT
from tests.analysis.report.test_verdicts_edges import effect
from tests.analysis.report.test_verdicts_edges import row as row_of_beyond
from tests.analysis.tables.test_tables_pairs import CURVE

P_VALUES = {
    0.453125: "0.45",
    0.0866: "0.087",
    0.0522: "0.0522",
    0.04997: "0.04997",
    0.050001: "0.050001",
    0.05: "0.0500",
    0.012345: "0.012",
    0.00012: "0.0001",
    3e-9: "< 0.0001",
}
PLACE = {name: CURVE[name] for name in CONTEXT}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (words.points(-0.12791), "−12.8"),
        (words.points(0.0), "0.0"),
        (words.points(-0.0004), "0.0"),
        (words.points(0.05, sign=False), "5.0"),
        (words.points(float("nan")), "–"),
        (words.alpha(-0.5), "−0.5"),
        (words.alpha(0.0), "0"),
        (words.interval(-0.01, 0.02), "[−1.0, +2.0]"),
        (words.interval(-0.01, float("nan")), "–"),
        (words.limits(-0.01, 0.02, 0.9), "90 % interval −1.0 to +2.0 points"),
        (words.p_is(0.0123), "p = 0.012"),
        (words.p_is(1e-9, "mid-p"), "mid-p < 0.0001"),
        (words.p_value(float("nan")), "–"),
        (words.p_value(1.0), "1.00"),
        (words.percent(0.5), "50.0 %"),
        (words.compact(-0.012345), "−0.0123"),
        (words.compact(3, sign=True), "+3"),
        (words.precise(-12.34567), "−12.35"),
        (words.precise(12.34567, 6, sign=True), "+12.3457"),
        (words.precise(0, sign=True), "0"),
        (words.precise(float("nan")), "undefined"),
        (words.precise_points(0.0233), "+2.33"),
        (words.precise_points(0.07, sign=False), "7"),
        (words.precise_range(None, 2), "undefined to 2"),
        (words.precise_interval(-0.041521, 0.094283), "−4.152 to +9.428"),
        (words.level(0.999), "99.9 %"),
        (words.count(4.0), "4"),
        (words.count(None), "–"),
        (words.moved(4, 2), "4/2"),
    ],
)
def test_numbers_are_written_as_a_paper_writes_them(made: str, expected: str) -> None:
    assert made == expected


@pytest.mark.parametrize(("p", "expected"), P_VALUES.items())
def test_a_p_value_is_never_rounded_across_its_level(p: float, expected: str) -> None:
    assert words.p_value(p) == expected
    if not expected.startswith("<"):
        assert (float(expected) <= 0.05) == (p <= 0.05)


def row_of_effects(p: float) -> dict[str, Any]:
    """One row of `tables.effects` with the same p wherever it has one."""
    row = CURVE | effect(-3.0, -0.128, p, low=-0.2, high=-0.05)
    more: dict[str, Any] = dict.fromkeys(("p", "p_exact", "p_sign"), p)
    more |= {"baseline_accuracy": 0.5, "accuracy": 0.372, "family_size": 1, "k": None, "stop": None}
    more |= {"accuracy_low": 0.3, "accuracy_high": 0.45, "bootstrap_low": -0.2}
    more |= {"n_unreadable": 0, "n_missing": 0, "complete_estimate": -0.128}
    more |= {"effect_low": -0.128, "effect_high": -0.128}
    more |= {"series": "d", "where": "primary set", "stamp": "exploratory"}
    return row | more | {"bootstrap_high": -0.05, "level": 0.95}


def row_of_controls(p: float) -> dict[str, Any]:
    """One row of `tables.controls` with that p."""
    place = {name: CURVE[name] for name in (*CONTEXT, "site", "schedule", "operator", "effect")}
    return place | {
        "candidate": "d", "series": "d", "control_kind": "random", "quantity": "effect",
        "alpha": -3.0, "panel": "α = −3", "n": 100, "least_n": 100, "estimate": -0.128,
        "controls_mean": 0.0,
        "k": 99, "beyond": 0,
        "p_rank": p, "rank_status": "ok", "order_low": -0.1, "order_high": 0.1, "d": -2.0,
        "d_low": -3.0, "d_high": -1.0, "g": -1.9, "p_crawford_howell": p, "p_normal": p,
        "prediction_low": -0.1, "prediction_high": 0.1, "why": "",
    }  # fmt: skip


def printed(p: float) -> dict[str, Any]:
    """What each way of printing makes of one p, one difference and one interval."""
    effects, controls = pd.DataFrame([row_of_effects(p)]), pd.DataFrame([row_of_controls(p)])
    stored = {"quantity": "accuracy difference", "method": "McNemar mid-p, Tango", "stratum": None}
    tables: dict[str, pd.DataFrame] = {
        "accuracy_curves": effects,
        "controls": controls,
        "controls_strip": controls,
        "accuracy": pd.DataFrame([{"role": "candidate", "n_seeds": 1}]),
    }
    unplanned = SimpleNamespace(once=lambda key, make: SimpleNamespace(plans=()))
    place: Any = SimpleNamespace(
        rows=lambda table: tables[table.__name__], context=PLACE, where="here", readings=unplanned
    )
    caption = next(_controls(place)).caption
    beyond = pd.DataFrame([row_of_beyond("suppression") | {"baseline_id": CURVE["baseline_id"]}])
    (found,) = verdicts(effects, beyond)
    # Which says nothing of a dose at which accuracy did not move.
    lines = in_lines(briefs_of(effects, beyond, controls))
    brief = {"brief": " ".join(" ".join(lines).split())} if p <= 0.05 else {}
    return brief | {
        "report.md": grid_markdown(effects_grid(effects, "n", "t", PLACE)),
        "controls of report.md": grid_markdown(controls_grid(controls, "n", PLACE)),
        "page": str(_results(effects)),
        "caption": caption,
        "analyze": results_text(effects.assign(**stored)),
        "verdict": found.reason,
        # Which says nothing of a dose at which accuracy did not move.
        **(
            {"brief": " ".join(in_lines(briefs_of(effects, beyond, controls)))} if p <= 0.05 else {}
        ),
        "calc": words.mcnemar_sentence(2, 15, p, p),
    }


@pytest.mark.parametrize(("p", "expected"), P_VALUES.items())
def test_the_same_p_reads_the_same_everywhere(p, expected) -> None:
    for where, text in printed(p).items():
        assert expected in text, where
        # Not as the start of the same number with more digits either.
        assert f" {expected}" in text or f"'{expected}'" in text, where
        after = text.split(expected, 1)[1][:1]
        assert not after.isdigit(), where


def test_the_same_effect_and_interval_read_the_same_everywhere() -> None:
    found = printed(0.001)
    for where in ("report.md", "page", "brief", "analyze", "verdict"):
        assert "−12.8" in found[where], where
        assert "[−20.0, −5.0]" in found[where], where


def unread_rows(**more: Any) -> list[dict[str, Any]]:
    """A baseline and two doses of `tables.missingness`, of 50 outcomes each."""
    doses = [(0.0, 1, 0), (-2.0, 9, 0), (2.0, 3, 2)]
    return [
        {
            "series": "d", "alpha": alpha, "n": 50, "n_unreadable": unread, "n_missing": missing,
            "unreadable": unread / (50 - missing), "missing": missing / 50, "p_adjusted": 0.04,
            "controls_unreadable": 0.02, "k": 99.0, "trend": 0.0441, "p_trend": 0.003,
        } | more
        for alpha, unread, missing in doses
    ]  # fmt: skip


def test_what_was_not_read_is_said_with_its_trend_and_its_controls() -> None:
    assert words.missingness_sentence(unread_rows()) == (
        "Unreadable answers: 2.0 % at the baseline, most under d at α = −2: 18.0 % (corrected "
        "p = 0.040 for unequal missingness; its controls 2.0 %, k = 99). Trend over |α| (Mantel): "
        "d +4.41 points per unit (p = 0.003). 2 of 100 steered outcomes are missing (errors) and "
        "left out."
    )
    alone = words.missingness_sentence(unread_rows(k=float("nan")))
    assert "(corrected p = 0.040 for unequal missingness). Trend" in alone


def test_where_all_was_read_nothing_is_said() -> None:
    assert words.missingness_sentence(unread_rows(n_unreadable=0, n_missing=0)) == ""
    assert words.missingness_sentence([]) == ""
    errors = words.missingness_sentence(unread_rows(n_unreadable=0))
    assert errors == "2 of 100 steered outcomes are missing (errors) and left out."
