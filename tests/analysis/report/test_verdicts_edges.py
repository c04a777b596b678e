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
    "selected_on_outcome": False, "n_missing": 0, "stop": None, "in_part": False, "family_size": 1,
}  # fmt: skip


def effect(alpha: float, estimate: float, p: float = 0.001, **more: Any) -> dict[str, Any]:
    return CURVE | {
        "alpha": alpha, "estimate": estimate, "low": estimate - 0.1, "high": estimate + 0.1,
        "p_adjusted": p, "gained": 12, "lost": 23, "n": 345, "effect_low": estimate,
        "effect_high": estimate, "bound_low": more.get("low", estimate - 0.1),
        "bound_high": more.get("high", estimate + 0.1), "bound_p": p,
    } | more  # fmt: skip


def row(claim: str = "amplification", **more: Any) -> dict[str, Any]:
    """A row of `beyond_controls` in which every condition is met."""
    return CURVE | {
        "candidate": "d", "control_kind": "random", "claim": claim, "doses": (-3.0, -2.0, 2.0),
        "n": 345, "n_missing": 0, "lacking": "", "k": 99, "left_out": 0, "alpha": 2.0,
        "difference": 0.2, "p_effect": 0.01, "p_signed": 0.02, "p_share": 0.02, "beyond": 0,
        "signed_alpha": 2.0, "signed": 0.31,
        "controls_signed": 0.07, "p": 0.02, "p_adjusted": 0.02, "p_bounds": 0.02,
        "p_bounds_adjusted": 0.02, "family_size": 1, "rank_floor": 0.01, "controls_needed": 39,
        "correlation": 0.001, "p_correlation": 0.4, "difference_limit": 0.3, "status": "ok",
        "why": "",
    } | more  # fmt: skip


def all_of(effects: list[dict[str, Any]], beyond: list[dict[str, Any]]) -> list[Verdict]:
    return verdicts(pd.DataFrame(effects), pd.DataFrame(beyond, columns=list(row())))


def verdict(effects: list[dict[str, Any]], beyond: list[dict[str, Any]]) -> Verdict:
    (only,) = all_of(effects, beyond)
    return only


RISES, FALLS = effect(2.0, 0.3), effect(-2.0, -0.3)
ABOVE, BELOW = row(), row("suppression", difference=-0.2)


@pytest.mark.parametrize(("moved", "beside"), [(RISES, ABOVE), (FALLS, BELOW)])
def test_either_claim_with_all_conditions_is_supported(
    moved: dict[str, Any], beside: dict[str, Any]
) -> None:
    reached = verdict([moved], [beside])
    assert reached.verdict == SUPPORTED
    assert reached.claim == ("amplification" if moved is RISES else "suppression")
    assert (reached.direction, reached.set_name, reached.protocol) == ("d", "primary", "codi")
    assert reached.selected_on_outcome is False


def test_no_claim_is_made_of_dose_zero_and_two_of_both_signs() -> None:
    assert all_of([effect(0.0, 0.0)], []) == []
    claims = [one.claim for one in all_of([FALLS, effect(0.0, 0.0), RISES], [])]
    assert claims == ["amplification", "suppression"]


@pytest.mark.parametrize(("p", "expected"), [(0.05, SUPPORTED), (0.0501, INCONCLUSIVE)])
def test_the_corrected_p_may_be_the_level(p: float, expected: str) -> None:
    assert verdict([effect(2.0, 0.3, p)], [ABOVE]).verdict == expected


@pytest.mark.parametrize(("moved", "beside"), [(RISES, ABOVE), (FALLS, BELOW)])
@pytest.mark.parametrize("test", ["p_adjusted", "p_bounds_adjusted"])
@pytest.mark.parametrize(("p", "expected"), [(0.025, SUPPORTED), (0.0251, INCONCLUSIVE)])
def test_the_corrected_rank_may_be_half_the_level(
    moved: dict[str, Any], beside: dict[str, Any], test: str, p: float, expected: str
) -> None:
    reached = verdict([moved], [beside | {test: p}])
    assert reached.verdict == expected
    if test == "p_bounds_adjusted" and expected == INCONCLUSIVE:
        assert "answers without a verdict could explain it" in reached.reason


@pytest.mark.parametrize(
    ("rank", "said"),
    [
        ("p_effect", "not shown to be more than such directions do"),
        ("p_signed", "not shown that the sign of the push matters"),
        ("p_share", "a direction that means nothing but pushes harder could do it"),
        ("family_size", "not enough for the best of 4 candidates"),
    ],
)
def test_the_reason_names_the_rank_that_falls_short(rank: str, said: str) -> None:
    short = {"family_size": 4} if rank == "family_size" else {rank: 0.03}
    reached = verdict([RISES], [ABOVE | short | {"p_adjusted": 0.03}])
    assert (reached.verdict, said in reached.reason) == (INCONCLUSIVE, True)


@pytest.mark.parametrize("status", ["not_comparable", "too_few_controls", "correlated_controls"])
def test_a_status_other_than_ok_decides_nothing_and_is_given_as_the_reason(status: str) -> None:
    why = "Collect them at α = −2."
    reached = verdict([RISES], [ABOVE | {"status": status, "why": why}])
    assert (reached.verdict, why in reached.reason) == (INCONCLUSIVE, True)


@pytest.mark.parametrize(("moved", "beside"), [(RISES, ABOVE), (FALLS, BELOW)])
@pytest.mark.parametrize(
    ("limit", "expected"), [(0.049, NOT_SUPPORTED), (0.05, SUPPORTED), (float("nan"), SUPPORTED)]
)
def test_not_supported_against_controls_takes_an_interval(
    moved: dict[str, Any], beside: dict[str, Any], limit: float, expected: str
) -> None:
    assert verdict([moved], [beside | {"difference_limit": limit}]).verdict == expected
    # However far below its controls the candidate lies, without an interval nothing is excluded.
    level = beside | {"difference": 0.0, "p_effect": 0.9, "p_adjusted": 0.9}
    reached = verdict([moved], [level | {"difference_limit": limit}])
    assert reached.verdict == (NOT_SUPPORTED if limit == 0.049 else INCONCLUSIVE)


def test_an_interval_at_other_doses_than_those_that_moved_excludes_nothing() -> None:
    close = ABOVE | {"difference_limit": 0.01, "p_adjusted": 0.4}
    assert verdict([RISES], [close]).verdict == NOT_SUPPORTED
    assert verdict([RISES, effect(3.0, 0.3)], [close]).verdict == INCONCLUSIVE


def test_the_reason_counts_missing_outcomes_and_names_who_lacks_many() -> None:
    lacking = "Outcomes are missing (errors): c7 lacks 40 of 345 at α = +2; compute them anew."
    more = {"n_missing": 41, "lacking": lacking, "p_bounds_adjusted": 0.4}
    reached = verdict([RISES], [ABOVE | more])
    assert reached.verdict == INCONCLUSIVE
    assert "on 345 problems (41 pairs of all directions and doses missing): " in reached.reason
    assert reached.reason.endswith(lacking)
    assert "missing" not in verdict([RISES], [ABOVE]).reason


def test_controls_must_have_been_run_at_a_dose_that_moved() -> None:
    reached = verdict([effect(1.0, 0.3), effect(2.0, 0.1, 0.2)], [ABOVE])
    assert reached.verdict == INCONCLUSIVE
    assert "collect them at α = +1." in reached.reason
    assert verdict([effect(1.0, 0.3), RISES], [ABOVE]).verdict == SUPPORTED


def test_every_kind_of_control_that_was_run_must_be_beaten() -> None:
    permuted = ABOVE | {"control_kind": "permuted", "k": 59}
    assert verdict([RISES], [ABOVE, permuted]).verdict == SUPPORTED
    for first, second in (({"p_adjusted": 0.3}, {}), ({}, {"p_adjusted": 0.3})):
        reached = verdict([RISES], [ABOVE | first, permuted | second])
        assert reached.verdict == INCONCLUSIVE
        assert "99 random controls" in reached.reason
        assert "59 permuted controls" in reached.reason
    assert verdict([RISES], [ABOVE, permuted | {"difference_limit": 0.0}]).verdict == NOT_SUPPORTED
    # One of which none is comparable has not been beaten, and is named.
    apart = permuted | {"status": "not_comparable", "why": "Of another norm."}
    reached = verdict([RISES], [ABOVE, apart | {"k": 0}])
    assert reached.verdict == INCONCLUSIVE
    assert "Not beaten, for it cannot be compared: Of another norm." in reached.reason
    assert verdict([RISES], [ABOVE, apart | {"k": 5}]).verdict == INCONCLUSIVE
    assert verdict([RISES], [apart | {"k": 0}]).verdict == INCONCLUSIVE


def test_a_part_of_the_controls_decides_nothing() -> None:
    """Whoever leaves out one dose of a control that goes further would choose the verdict."""
    reached = verdict([RISES], [ABOVE | {"left_out": 1}])
    assert reached.verdict == INCONCLUSIVE
    assert "Run all of its controls at the same doses" in reached.reason


def test_without_a_row_of_controls_nothing_is_supported() -> None:
    assert verdict([RISES], []).verdict == INCONCLUSIVE
    assert verdict([RISES], [BELOW]).verdict == INCONCLUSIVE


def test_a_selected_set_supports_nothing() -> None:
    reached = verdict([RISES | {"selected_on_outcome": True}], [ABOVE])
    assert (reached.verdict, reached.selected_on_outcome) == (INCONCLUSIVE, True)


@pytest.mark.parametrize(("sign", "beside"), [(1, ABOVE), (-1, BELOW)])
@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({}, SUPPORTED),
        ({"bound_p": 0.05}, SUPPORTED),
        ({"bound_p": 0.0501}, INCONCLUSIVE),
        ({"effect_low": 0.0, "effect_high": 0.0}, INCONCLUSIVE),
    ],
)
def test_the_effect_must_hold_whatever_the_answers_without_a_verdict(
    sign: int, beside: dict[str, Any], bounds: dict[str, float], expected: str
) -> None:
    reached = verdict([effect(2.0 * sign, 0.3 * sign) | bounds], [beside])
    assert reached.verdict == expected
    if expected == INCONCLUSIVE:
        assert "Answers without a verdict could explain it" in reached.reason


def test_bounds_are_corrected_over_the_alphas_as_the_test_is() -> None:
    three = [effect(alpha, 0.3, bound_p=0.03) for alpha in (1.0, 2.0, 3.0)]
    assert verdict(three, [ABOVE]).verdict == INCONCLUSIVE
    assert verdict([three[0], effect(2.0, 0.3, bound_p=0.02)], [ABOVE]).verdict == SUPPORTED


def test_a_change_that_unread_answers_allow_is_not_excluded() -> None:
    for sign in (1, -1):
        limits = {"low": -0.03, "high": 0.03, "bound_low": -0.03, "bound_high": 0.03}
        near = effect(2.0 * sign, 0.0, 0.9) | limits
        assert verdict([near], []).verdict == NOT_SUPPORTED
        wide = near | {"bound_high" if sign > 0 else "bound_low": 0.06 * sign}
        assert verdict([wide], []).verdict == INCONCLUSIVE


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
    losing = [
        effect(-one["alpha"], -one["estimate"], 0.4, low=-one["high"], high=-one["low"])
        for one in (near, wide)
    ]
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


@pytest.mark.parametrize("name", ["dtype", "site", "effect", "candidate", "set_name"])
def test_controls_of_another_condition_are_not_its_controls(name: str) -> None:
    reached = verdict([RISES], [ABOVE | {name: "another"}])
    assert (reached.verdict, "not compared" in reached.reason) == (INCONCLUSIVE, True)


def test_the_reason_gives_the_comparison_in_numbers() -> None:
    reason = verdict([RISES], [ABOVE | {"beyond": 1}]).reason
    assert "99 random controls at α = −3, −2 and +2 on 345 problems: 1 of them lie" in reason
    assert "at α = +2 it differs from their mean by +20.0 points" in reason
    assert "at |α| = 2 +31.0 points against +7.0" in reason
    assert "more were not comparable" not in reason
    assert "3 more were not comparable" in verdict([RISES], [ABOVE | {"left_out": 3}]).reason
    assert (
        "corrected over 2 candidates p = 0.020"
        in verdict([RISES], [ABOVE | {"family_size": 2}]).reason
    )


def test_sets_drawn_at_random_come_before_those_selected_on_the_outcome() -> None:
    selected = RISES | {"set_name": "balanced", "selected_on_outcome": True}
    found = all_of([selected, RISES], [ABOVE, ABOVE | {"set_name": "balanced"}])
    assert [(one.set_name, one.verdict) for one in found] == [
        ("primary", SUPPORTED), ("balanced", INCONCLUSIVE)
    ]  # fmt: skip
    assert [one.selected_on_outcome for one in found] == [False, True]


def test_controls_have_no_verdict() -> None:
    assert all_of([RISES | {"role": "control"}], [ABOVE]) == []


@pytest.mark.parametrize(
    ("alpha", "estimate", "low", "high", "p", "expected", "said"),
    [
        (1.0, 0.01, -0.02, 0.04, 0.5, NOT_SUPPORTED, "excludes a gain of 5 points"),
        (1.0, 0.02, -0.02, 0.06, 0.5, INCONCLUSIVE, "up to 6.0 points is not excluded"),
        (1.0, -0.1, -0.2, -0.05, 0.001, NOT_SUPPORTED, "excludes any gain"),
        (-1.0, 0.1, 0.05, 0.2, 0.001, NOT_SUPPORTED, "excludes any loss"),
    ],
)
def test_without_a_change_the_interval_decides(
    alpha: float, estimate: float, low: float, high: float, p: float, expected: str, said: str
) -> None:
    reached = verdict([effect(alpha, estimate, p, low=low, high=high)], [])
    assert reached.verdict == expected
    assert said in reached.reason


def test_a_dose_without_bounds_has_its_own_limits() -> None:
    for sign in (1, -1):
        limits = {"low": -0.03, "high": 0.03, "bound_low": -0.03, "bound_high": 0.03}
        near = effect(2.0 * sign, 0.0, 0.9) | limits
        nothing = dict.fromkeys(("bound_low", "bound_high"), float("nan"))
        wide = effect(1.0 * sign, 0.0, 0.9) | {"low": -0.2, "high": 0.2} | nothing
        assert verdict([near, wide], []).verdict == INCONCLUSIVE


def pushed(push: float, difference: float, p: float = 0.001, **more: Any) -> dict[str, Any]:
    """A row of `equal_push`: d beside its difficulty-matched counterpart."""
    return CURVE | {
        "first": "d", "second": "d_matched", "push": push, "first_effect": 0.3 * push,
        "second_effect": 0.3 * push - difference, "difference": difference, "low": -0.11,
        "high": 0.12, "p": p, "matched": True,
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([pushed(0.4, 0.2)], "what it does beyond its counterpart may be difficulty"),
        ([pushed(0.4, 0.2, 0.05)], "what it does beyond its counterpart may be difficulty"),
        ([pushed(0.4, 0.2, 0.0501)], "not shown to differ; nothing says that difficulty"),
        ([pushed(0.4, -0.2)], "d_matched does more; nothing says that difficulty"),
        # The largest push of the claim's sign is what is read.
        ([pushed(-0.5, 0.2), pushed(0.4, 0.2, 0.3), pushed(0.3, 0.2)], "not shown to differ"),
        ([pushed(-0.4, 0.2)], None),
        ([pushed(0.4, 0.2, matched=False)], None),
        ([pushed(0.4, 0.2, first="e")], None),
        ([pushed(0.4, 0.2, set_name="other")], None),
        ([], None),
    ],
)
def test_what_the_matched_counterpart_does_at_equal_push(
    rows: list[dict[str, Any]], said: str | None
) -> None:
    push = pd.DataFrame(rows, columns=list(pushed(1, 0)))
    beyond = pd.DataFrame([ABOVE])
    (reached,) = verdicts(pd.DataFrame([RISES]), beyond, push)
    assert reached.verdict == SUPPORTED
    assert ("counterpart" in reached.reason) == (said is not None)
    assert said is None or said in reached.reason
    if len(rows) == 3:
        assert "at 40 % of the latents' norm, α above 0" in reached.reason


def test_the_counterpart_is_asked_on_the_claims_side() -> None:
    push = pd.DataFrame([pushed(-0.4, -0.2), pushed(0.4, 0.2, 0.6)])
    (reached,) = verdicts(pd.DataFrame([FALLS]), pd.DataFrame([BELOW]), push)
    assert "α below 0" in reached.reason
    assert "may be difficulty" in reached.reason
