"""Candidates against their own controls over all doses: figures, corrections and statuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import beyond_controls as ranked
from analysis import candidate_minus_controls
from analysis.statistics.over_doses import signed_share
from analysis.tables.beyond import claim_rows, corrected
from analysis.tables.own_controls import Sample

NAMES: dict[str, Any] = {
    "model": "m", "protocol": "codi", "decoding": "{}", "dtype": "float32", "set_name": "primary",
    "baseline_id": "b", "site": "latent", "schedule": None, "operator": "add", "effect": "total",
    "selection": "random", "selected_on_outcome": False, "candidate": "d", "control_kind": "random",
}  # fmt: skip
ALPHAS = np.array([-2.0, -1.0, 1.0, 2.0])
N, K = 60, 79


def sample(alphas: np.ndarray = ALPHAS, k: int = K, seed: int = 0, **more: Any) -> Sample:
    """A candidate that gains by its sign among controls that do not."""
    rng = np.random.default_rng(seed)
    chance = np.full((k + 1, len(alphas), N), 0.5)
    chance[0] += 0.2 * np.sign(alphas)[:, None]
    right = (rng.random(chance.shape) < chance).astype(float)
    given: dict[str, Any] = {"differences": right, "low": right, "high": right}
    names = tuple(f"c{j}" for j in range(k))
    return Sample(names=NAMES, controls=names, alphas=alphas, **(given | more))


def rows_of(one: Sample) -> dict[str, dict[str, Any]]:
    """The row of each claim."""
    rows: list[dict[str, Any]] = list_of(claim_rows(one))
    return {row["claim"]: row for row in rows}


def list_of(rows: list[dict[str, Any]]) -> list[Any]:
    """Corrected rows as dictionaries."""
    return corrected(pd.DataFrame(rows)).to_dict("records")


def test_the_three_ranks_are_those_of_the_statistics() -> None:
    one = sample()
    table = rows_of(one)
    accuracy = one.differences.mean(axis=2)
    halves = (one.differences[:, [2, 3]] - one.differences[:, [1, 0]]) / 2
    signed = ranked(halves.mean(axis=2), side="greater")
    share = ranked(signed_share(halves), side="greater")
    sides: list[tuple[str, Any, list[int]]]
    sides = [("amplification", "greater", [2, 3]), ("suppression", "less", [0, 1])]
    for claim, side, at in sides:
        row, effect = table[claim], ranked(accuracy[:, at], side=side)
        assert [row["p_effect"], row["p_signed"], row["p_share"]] == [effect.p, signed.p, share.p]
        assert (row["beyond"], row["k"], row["n"], row["doses"]) == (
            effect.beyond,
            K,
            N,
            (-2, -1, 1, 2),
        )
        assert effect.dose is not None
        assert signed.dose is not None
        column = at[effect.dose]
        assert row["alpha"] == ALPHAS[column]
        assert row["difference"] == pytest.approx(accuracy[0, column] - accuracy[1:, column].mean())
        assert row["p"] == max(effect.p, signed.p, share.p)
        assert (row["p_adjusted"], row["family_size"]) == (row["p"], 1)
        assert (row["status"], row["why"]) == ("ok", "")
        assert row["p_bounds"] == row["p"]
        assert row["signed"] == pytest.approx(halves[0].mean(axis=1)[signed.dose])
    assert table["amplification"]["p"] <= 0.025


def test_the_limit_is_the_largest_of_the_paired_intervals_in_the_claims_sense() -> None:
    one = sample()
    table = rows_of(one)
    found = [
        candidate_minus_controls(
            one.differences[0, at], one.differences[1:, at].T, scope="new problems and directions"
        )
        for at in range(4)
    ]
    expected = max(found[2].high, found[3].high)
    assert table["amplification"]["difference_limit"] == pytest.approx(expected)
    expected = max(-found[0].low, -found[1].low)
    assert table["suppression"]["difference_limit"] == pytest.approx(expected)


def test_each_rank_can_be_the_one_that_decides() -> None:
    """A candidate that pushes harder, one that harms with both signs, one that is not beyond."""
    rng = np.random.default_rng(3)
    # Controls change a tenth of the problems either way; the candidate half of them, net up.
    signed = rng.choice([-1.0, 0.0, 1.0], (K + 1, 400), p=[0.05, 0.9, 0.05])
    signed[0] = np.concatenate([np.ones(110), -np.ones(90), np.zeros(200)])
    share = signed.sum(axis=1) / np.abs(signed).sum(axis=1)
    assert (share[1:] > share[0]).sum() > 5
    up, down = (signed > 0).astype(float), (signed < 0).astype(float)
    right = np.stack([down, up], axis=1)
    harder = sample(np.array([-1.0, 1.0]), differences=right, low=right, high=right)
    row = rows_of(harder)["amplification"]
    assert (row["p_effect"], row["p_signed"]) == (1 / (K + 1), 1 / (K + 1))
    assert row["p"] == row["p_share"] > 0.025
    both = np.zeros((K + 1, 2, 100))
    both[1:] = rng.random((K, 2, 100)) < 0.5
    both[0, :, 80:] = rng.random((2, 20)) < 0.5
    harmful = sample(np.array([-1.0, 1.0]), differences=both, low=both, high=both)
    row = rows_of(harmful)["suppression"]
    assert row["p_effect"] == 1 / (K + 1)
    assert row["p"] == max(row["p_signed"], row["p_share"]) > 0.025


def test_a_missing_sign_gives_no_comparison_and_says_what_to_run() -> None:
    table = rows_of(sample(np.array([1.0, 2.0])))
    for row in table.values():
        assert row["status"] == "not_comparable"
        assert np.isnan(row["p"])
        assert "same negative doses" in row["why"]
        assert "collect all of them at α = −2 and −1" in row["why"]
    assert table["amplification"]["p_effect"] <= 0.025
    assert np.isnan(table["suppression"]["p_effect"])


@pytest.mark.parametrize(("k", "status"), [(38, "too_few_controls"), (39, "ok")])
def test_thirty_nine_controls_are_needed_for_one_candidate(k: int, status: str) -> None:
    table = rows_of(sample(k=k))
    assert [row["status"] for row in table.values()] == [status] * 2
    assert ("39 are needed" in table["amplification"]["why"]) == (k == 38)


def test_p_is_corrected_over_the_candidates_of_a_section() -> None:
    second = sample(seed=1)
    second = replace(second, names=NAMES | {"candidate": "e"})
    third = Sample(names=NAMES | {"candidate": "f", "control_kind": None}, why="None drawn.")
    elsewhere = replace(second, names=second.names | {"set_name": "other"})
    rows = [row for one in (sample(), second, third, elsewhere) for row in claim_rows(one)]
    table = {
        (row["set_name"], row["candidate"]): row
        for row in list_of(rows)
        if row["claim"] == "amplification"
    }
    assert {key: row["family_size"] for key, row in table.items()} == {
        ("other", "e"): 1, ("primary", "d"): 3, ("primary", "e"): 3, ("primary", "f"): 3
    }  # fmt: skip
    low, high = sorted(table["primary", name]["p"] for name in ("d", "e"))
    expected = {high: min(1, max(3 * low, 2 * high)), low: min(1, 3 * low)}
    for name in ("d", "e"):
        row = table["primary", name]
        assert row["p_adjusted"] == pytest.approx(expected[row["p"]])
        assert (row["controls_needed"], row["status"]) == (119, "too_few_controls")
    assert np.isnan(table["primary", "f"]["p_adjusted"])
    assert table["other", "e"]["p_adjusted"] == table["other", "e"]["p"]


def test_every_answer_without_a_verdict_is_taken_against_the_claim() -> None:
    clear = sample()
    # One answer of one control at a positive dose cannot be read: it may have been right.
    high = clear.high.copy()
    high[1, 3, :40] = 1.0
    table = rows_of(sample(high=high))
    assert table["amplification"]["p"] == rows_of(clear)["amplification"]["p"]
    assert table["amplification"]["p_bounds"] > table["amplification"]["p"]
    low = clear.low.copy()
    low[0, :, :] = 0.0
    table = rows_of(sample(low=low))
    assert table["amplification"]["p_bounds"] == 1.0
    assert table["suppression"]["p_bounds"] > 0.5


def test_controls_that_do_the_same_are_correlated() -> None:
    clear = sample()
    right = clear.differences.copy()
    right[1:, :2], right[1:, 2:] = right[1, :2], right[1, 2:]
    right[1:, :, 30:] = clear.differences[1:, :, 30:]
    table = rows_of(sample(differences=right, low=right, high=right))
    for row in table.values():
        assert row["status"] == "correlated_controls"
        assert "fewer than they look" in row["why"]
        assert row["correlation"] > 0.2


def errors(one: Sample, gone: np.ndarray) -> Sample:
    """The sample with some outcomes missing: bounds on both sides, and no difference."""
    return replace(
        one,
        differences=np.where(gone, np.nan, one.differences),
        low=np.where(gone, 0.0, one.low),
        high=np.where(gone, 1.0, one.high),
    )


def test_a_few_errors_of_each_direction_leave_a_comparison() -> None:
    """Every problem lacks an outcome somewhere: dropped for all, none would be left."""
    clear = sample()
    gone = np.zeros(clear.differences.shape, dtype=bool)
    for j in range(K + 1):
        gone[j, j % 4, (3 * j) % N] = True
    assert gone.any(axis=(0, 1)).sum() < N
    gone[np.arange(K + 1), 0, np.arange(K + 1) % N] = True
    assert gone.any(axis=(0, 1)).all()
    row = rows_of(errors(clear, gone))["amplification"]
    assert (row["n"], row["n_missing"], row["status"]) == (N, int(gone.sum()), "ok")
    # By hand: each direction's mean over the problems that it has.
    effects = np.array(
        [
            [d[~g].mean() for d, g in zip(of, holes, strict=True)]
            for of, holes in zip(clear.differences, gone, strict=True)
        ]
    )
    assert row["p_effect"] == ranked(effects[:, [2, 3]], side="greater").p <= 0.025
    signed, share = np.zeros((K + 1, 2)), np.zeros((K + 1, 2))
    changed = np.zeros((K + 1, 2))
    for j in range(K + 1):
        for at, (up, down) in enumerate(((2, 1), (3, 0))):
            both = ~gone[j, up] & ~gone[j, down]
            half = (clear.differences[j, up] - clear.differences[j, down])[both] / 2
            signed[j, at], changed[j, at] = half.mean(), np.abs(half).mean()
    share = signed / (changed + 0.05 * np.median(changed, axis=0))
    assert row["p_signed"] == ranked(signed, side="greater").p
    assert row["p_share"] == ranked(share, side="greater").p
    assert row["p_bounds"] <= 0.025


@pytest.mark.parametrize("of", ["candidate", "controls"])
def test_errors_enter_by_the_bounds_alone_on_either_side(of: str) -> None:
    clear = sample()
    gone = np.zeros(clear.differences.shape, dtype=bool)
    gone[slice(0, 1) if of == "candidate" else slice(1, None), :, :12] = True
    row = rows_of(errors(clear, gone))["amplification"]
    assert row["p"] <= 0.025
    assert row["p_bounds"] > 0.025
    # With a tenth as many the finding stands.
    gone[:, :, 1:] = False
    row = rows_of(errors(clear, gone))["amplification"]
    assert max(row["p"], row["p_bounds"]) <= 0.025


def test_a_limit_takes_every_outcome_without_a_verdict_for_the_claim() -> None:
    clear = sample()
    gone = np.zeros(clear.differences.shape, dtype=bool)
    gone[0, 3, :6] = gone[4, 2, 9] = True
    one = errors(clear, gone)
    found = [
        candidate_minus_controls(
            one.high[0, at], one.low[1:, at].T, scope="new problems and directions"
        ).high
        for at in (2, 3)
    ]
    limit = rows_of(one)["amplification"]["difference_limit"]
    assert limit == pytest.approx(max(found))
    assert limit > rows_of(clear)["amplification"]["difference_limit"]
    below = [
        -candidate_minus_controls(
            one.low[0, at], one.high[1:, at].T, scope="new problems and directions"
        ).low
        for at in (0, 1)
    ]
    assert rows_of(one)["suppression"]["difference_limit"] == pytest.approx(max(below))


def test_samples_without_controls_give_rows_and_no_figures() -> None:
    for row in rows_of(Sample(names=NAMES, why="Another norm.")).values():
        assert row["why"] == "Another norm."
        assert np.isnan(row["p_adjusted"])
