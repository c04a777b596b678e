"""Each condition of a verdict's rule at its edge, alone: one step to either side decides."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from analysis.report.verdicts import (
    INCONCLUSIVE,
    NOT_SUPPORTED,
    SUPPORTED,
    Verdict,
    verdicts,
)

CURVE: dict[str, Any] = {
    "model": "m", "protocol": "codi", "decoding": "{}", "dtype": "float32", "set_name": "primary",
    "baseline_id": "b", "direction": "d", "site": "latent", "schedule": None, "operator": "add",
    "effect": "total", "kind": "k", "role": "candidate", "selection": "random",
    "selected_on_outcome": False, "n_missing": 0,
}  # fmt: skip


def effect(alpha: float, estimate: float, p: float = 0.001, **more: Any) -> dict[str, Any]:
    return CURVE | {
        "alpha": alpha, "estimate": estimate, "low": estimate - 0.1, "high": estimate + 0.1,
        "p_adjusted": p, "gained": 12, "lost": 23, "n": 345,
    } | more  # fmt: skip


def control(alpha: float, difference: float, p: float = 0.001, **more: Any) -> dict[str, Any]:
    return CURVE | {
        "candidate": "d", "quantity": "effect", "alpha": alpha, "difference": difference,
        "p_crawford_howell": p, "p_rank": 0.02, "rank_status": "ok", "rank_floor": 0.02, "k": 99,
        "control_kind": "random", "d": -2.34, "estimate": 0.31, "controls_mean": 0.07,
        "norm_ratio": 1.0,
    } | more  # fmt: skip


def all_of(effects: list[dict[str, Any]], controls: list[dict[str, Any]]) -> list[Verdict]:
    columns = list(control(1, 1))
    return verdicts(pd.DataFrame(effects), pd.DataFrame(controls, columns=columns))


def verdict(effects: list[dict[str, Any]], controls: list[dict[str, Any]]) -> Verdict:
    (found,) = all_of(effects, controls)
    return found


RISES, FALLS = effect(2.0, 0.3), effect(-2.0, -0.3)
ABOVE, BELOW = control(2.0, 0.2), control(-2.0, -0.2)


@pytest.mark.parametrize(("row", "beside"), [(RISES, ABOVE), (FALLS, BELOW)])
def test_either_claim_with_all_conditions_is_supported(
    row: dict[str, Any], beside: dict[str, Any]
) -> None:
    found = verdict([row], [beside])
    assert found.verdict == SUPPORTED
    assert found.claim == ("amplification" if row is RISES else "suppression")
    assert (found.direction, found.set_name, found.protocol) == ("d", "primary", "codi")
    assert found.selected_on_outcome is False


def test_no_claim_is_made_of_dose_zero_and_two_of_both_signs() -> None:
    assert all_of([effect(0.0, 0.0)], []) == []
    claims = [one.claim for one in all_of([FALLS, effect(0.0, 0.0), RISES], [])]
    assert claims == ["amplification", "suppression"]


@pytest.mark.parametrize(("p", "expected"), [(0.05, SUPPORTED), (0.0501, INCONCLUSIVE)])
def test_the_corrected_p_may_be_the_level(p: float, expected: str) -> None:
    assert verdict([effect(2.0, 0.3, p)], [ABOVE]).verdict == expected


@pytest.mark.parametrize(("p", "expected"), [(0.05, SUPPORTED), (0.0501, INCONCLUSIVE)])
@pytest.mark.parametrize("test", ["p_crawford_howell", "p_rank"])
def test_each_test_against_the_controls_may_be_at_the_level(
    test: str, p: float, expected: str
) -> None:
    assert verdict([RISES], [ABOVE | {test: p}]).verdict == expected


@pytest.mark.parametrize(("p", "expected"), [(0.05, SUPPORTED), (0.0501, INCONCLUSIVE)])
@pytest.mark.parametrize("test", ["p_crawford_howell", "p_rank"])
def test_each_test_of_the_signed_effect_may_be_at_the_level(
    test: str, p: float, expected: str
) -> None:
    signed = control(2.0, 0.2, quantity="signed effect") | {test: p}
    for row, beside in ((RISES, ABOVE), (FALLS, BELOW)):
        assert verdict([row], [beside, signed]).verdict == expected


def test_a_signed_effect_equal_to_the_controls_or_below_supports_nothing() -> None:
    for difference in (0.0, -0.2):
        signed = control(2.0, difference, quantity="signed effect")
        assert verdict([RISES], [ABOVE, signed]).verdict == INCONCLUSIVE
        assert verdict([FALLS], [BELOW, signed]).verdict == INCONCLUSIVE


def test_the_signed_effect_is_asked_at_the_largest_dose_that_was_tested() -> None:
    weak = control(1.0, 0.2, 0.5, quantity="signed effect")
    strong = control(2.0, 0.2, quantity="signed effect")
    untested = control(3.0, 0.2, float("nan"), quantity="signed effect")
    assert verdict([RISES], [ABOVE, weak, strong, untested]).verdict == SUPPORTED
    turned = [weak | {"alpha": 2.0}, strong | {"alpha": 1.0}]
    found = verdict([RISES], [ABOVE, *turned])
    assert found.verdict == INCONCLUSIVE
    assert "|α| = 2 is +31.0 points against +7.0" in found.reason


@pytest.mark.parametrize(("row", "sign"), [(RISES, 1), (FALLS, -1)])
def test_beyond_the_mean_of_the_controls_starts_above_it(row: dict[str, Any], sign: int) -> None:
    at = row["alpha"]
    assert verdict([row], [control(at, 0.0, 0.5)]).verdict == NOT_SUPPORTED
    assert verdict([row], [control(at, -0.01 * sign, 0.5)]).verdict == NOT_SUPPORTED
    assert verdict([row], [control(at, 0.01 * sign, 0.5)]).verdict == INCONCLUSIVE


@pytest.mark.parametrize(
    ("high", "expected"), [(0.049, NOT_SUPPORTED), (0.05, INCONCLUSIVE), (0.2, INCONCLUSIVE)]
)
def test_five_points_themselves_are_not_excluded(high: float, expected: str) -> None:
    rising = effect(2.0, 0.01, 0.4, low=-0.2, high=high)
    falling = effect(-2.0, -0.01, 0.4, low=-high, high=0.2)
    assert verdict([rising], []).verdict == expected
    assert verdict([falling], []).verdict == expected


def test_a_limit_at_zero_excludes_five_points_and_not_any_gain() -> None:
    found = verdict([effect(2.0, -0.01, 0.4, low=-0.2, high=0.0)], [])
    assert found.verdict == NOT_SUPPORTED
    assert "any gain" not in found.reason
    assert "allows is 0.00" in found.reason


def test_every_dose_of_the_sign_must_exclude_the_change() -> None:
    near = effect(1.0, 0.01, 0.4, low=-0.02, high=0.03)
    wide = effect(2.0, -0.02, 0.4, low=-0.2, high=0.16)
    found = verdict([near, wide], [])
    assert found.verdict == INCONCLUSIVE
    assert "A gain of up to 16.0 points is not excluded" in found.reason
    losing = [one | {"alpha": -one["alpha"], "low": -one["high"], "high": -one["low"],
                     "estimate": -one["estimate"]} for one in (near, wide)]  # fmt: skip
    found = verdict(losing, [])
    assert found.verdict == INCONCLUSIVE
    assert "A loss of up to 16.0 points is not excluded" in found.reason


def test_the_reason_names_the_best_and_the_worst_dose() -> None:
    rows = [
        effect(1.0, -0.11, 0.01), effect(2.0, -0.22, 0.02), effect(3.0, 0.04, 0.4),
        effect(4.0, 0.01, 0.5), effect(5.0, 0.0, 0.05),
    ]  # fmt: skip
    said = verdict(rows, []).reason
    assert "Accuracy rises at no alpha beyond chance" in said
    assert "most favourable is α = +3: +4.0 points [" in said
    assert "It falls at 2 of 5, most at α = +2: −22.0 points" in said
    mirrored = [row | {"alpha": -row["alpha"], "estimate": -row["estimate"]} for row in rows]
    said = verdict(mirrored, []).reason
    assert "Accuracy falls at no alpha beyond chance" in said
    assert "most favourable is α = −3: −4.0 points [" in said
    assert "It rises at 2 of 5, most at α = −2: +22.0 points" in said


def test_the_reason_counts_the_doses_that_moved_and_names_the_largest_change() -> None:
    rows = [effect(1.0, 0.1), effect(2.0, 0.3), effect(3.0, 0.2), effect(4.0, 0.4, 0.2)]
    said = verdict(rows, []).reason
    assert "Accuracy rises at 3 of 4 alphas; most at α = +2: +30.0 points" in said
    assert "12 gained and 23 lost of 345" in said


def test_the_controls_are_asked_at_the_largest_dose_that_moved() -> None:
    rows = [effect(1.0, 0.3), effect(2.0, 0.1), effect(3.0, 0.5, 0.2)]
    weak, strong = control(1.0, 0.2, 0.5), control(2.0, 0.2)
    unmoved = control(3.0, 0.2, 0.5)
    assert verdict(rows, [weak, strong, unmoved]).verdict == SUPPORTED
    found = verdict(rows, [weak | {"alpha": 2.0}, strong | {"alpha": 1.0}, unmoved])
    assert found.verdict == INCONCLUSIVE
    # A comparison that could not be tested is none.
    untested = [control(2.0, 0.2, float("nan")), strong | {"alpha": 1.0}]
    assert verdict(rows, untested).verdict == SUPPORTED
    negative = [row | {"alpha": -row["alpha"], "estimate": -row["estimate"]} for row in rows]
    beside = [control(-1.0, -0.2, 0.5), control(-2.0, -0.2)]
    assert verdict(negative, beside).verdict == SUPPORTED


@pytest.mark.parametrize("name", ["dtype", "site", "effect", "candidate", "set_name"])
def test_controls_of_another_condition_are_not_its_controls(name: str) -> None:
    found = verdict([RISES], [ABOVE | {name: "another"}])
    assert (found.verdict, "No control directions" in found.reason) == (INCONCLUSIVE, True)


def test_a_norm_is_said_where_it_differs_by_more_than_a_twentieth() -> None:
    for ratio, said in ((1.0, False), (1.04, False), (1.06, True), (0.94, True), (None, False)):
        reason = verdict([RISES], [ABOVE | {"norm_ratio": ratio}]).reason
        assert ("its norm is" in reason) == said
    reason = verdict([RISES], [ABOVE]).reason
    assert "99 random controls at α = +2 it differs by +20.0 points" in reason
    assert "d = −2.34, rank" in reason
    few = ABOVE | {"rank_status": "too_few_controls", "p_rank": 0.4, "rank_floor": 0.333}
    found = verdict([RISES], [few])
    assert found.verdict == SUPPORTED
    assert "never below 0.33" in found.reason


def test_sets_drawn_at_random_come_before_those_selected_on_the_outcome() -> None:
    selected = RISES | {"set_name": "balanced", "selected_on_outcome": True}
    found = all_of([selected, RISES], [ABOVE, ABOVE | {"set_name": "balanced"}])
    assert [(one.set_name, one.verdict) for one in found] == [
        ("primary", SUPPORTED), ("balanced", INCONCLUSIVE)
    ]  # fmt: skip
    assert [one.selected_on_outcome for one in found] == [False, True]


def test_controls_have_no_verdict() -> None:
    assert all_of([RISES | {"role": "control"}], [ABOVE]) == []


TWIN = {"direction": "d_matched", "kind": "k_matched"}


@pytest.mark.parametrize(
    ("difference", "p", "ratio", "said"),
    [
        (0.2, 0.001, 1.0, "so it is not difficulty alone"),
        (0.2, 0.5, 1.0, "may be difficulty."),
        (-0.2, 0.001, 1.0, "may be difficulty."),
        (0.0, 0.001, 1.0, "may be difficulty."),
        (0.2, 0.5, 0.95, "may be difficulty."),
        (0.2, 0.5, 0.94, "or come with its larger norm"),
        (0.2, 0.5, None, "may be difficulty."),
    ],
)
def test_what_the_matched_counterpart_says(
    difference: float, p: float, ratio: float | None, said: str
) -> None:
    beside = control(2.0, difference, p, candidate="d_matched", norm_ratio=ratio)
    raw, _ = all_of([RISES, RISES | TWIN], [ABOVE, beside])
    assert said in raw.reason
    assert raw.verdict == SUPPORTED


def test_the_counterpart_is_asked_at_the_largest_dose_that_moved_and_was_tested() -> None:
    rows = [RISES, effect(1.0, 0.2), effect(3.0, 0.2, 0.5), RISES | TWIN]
    beside = [
        control(2.0, 0.2, candidate="d_matched"),
        control(1.0, 0.2, 0.5, candidate="d_matched"),
        control(3.0, 0.2, 0.5, candidate="d_matched"),
    ]
    assert "not difficulty alone" in all_of(rows, [ABOVE, *beside])[0].reason
    assert "Accuracy rises at 2 of 3" in all_of(rows, [ABOVE, *beside])[0].reason
    signed = control(2.0, 0.2, candidate="d_matched", quantity="signed effect")
    untested = control(2.0, 0.2, float("nan"), candidate="d_matched")
    assert "counterpart" not in all_of(rows, [ABOVE, signed, untested])[0].reason
