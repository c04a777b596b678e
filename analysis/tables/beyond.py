"""Each candidate against its own controls over all doses at once: what a verdict rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis import words
from analysis.tables.base import CONTEXT, STAMPS, groups, ordered
from analysis.tables.own_controls import PLACE, Array, Sample, lacking, samples
from analysis.tables.readings import Source, remembered
from analysis.vocabulary import CONFIDENCE, ONE_SIDED_SIGNIFICANCE

CLAIMS = {"amplification": 1, "suppression": -1}
RESAMPLES, SEED = 1999, 0
RANKS = ("p_effect", "p_signed", "p_share")
COLUMNS = [
    *PLACE, *STAMPS, "candidate", "control_kind", "claim", "doses", "n",
    "n_missing", "lacking", "k", "left_out", "alpha", "difference", *RANKS,
    "beyond", "signed_alpha", "signed", "controls_signed", "share", "controls_share", "p",
    "p_adjusted", "p_bounds", "p_bounds_adjusted", "family_size", "rank_floor",
    "controls_needed", "correlation", "p_correlation", "difference_limit", "status", "why",
]  # fmt: skip


@remembered
def beyond_controls(store: Source) -> pd.DataFrame:
    """One row per candidate, claim and kind of its own controls: does it stand out among them?

    `doses` are those that it and its controls share, `n` the problems. An effect is of the problems
    at which its direction and the baseline have an outcome; `n_missing` pairs of the k + 1
    directions, doses and problems miss one (an error), and `lacking` names who misses many. Three
    one-sided ranks among the k controls, each of the largest standardised value over these doses:
    `p_effect` (the effect at doses of the claim's sign), `p_signed` ([f(a) − f(−a)]/2) and
    `p_share` (how one-sided the changes behind it are); `beyond` controls lie at least as far in
    effect. `p` is the largest of the three, `p_adjusted` Holm over the candidates of the same
    section (`family_size`), and `p_bounds` is p with every outcome that has no verdict taken
    against the claim. `correlation` is the controls' mean cosine. `difference_limit` is the most by
    which the candidate may lie beyond the mean of its controls in the claim's sense, at any of the
    doses (95 % interval), with all those outcomes taken for the claim. Effects are fractions.
    `status` and `why` say what keeps a row from deciding, and what to run.
    """
    rows = [row for sample in samples(store) for row in claim_rows(sample)]
    return corrected(pd.DataFrame(rows, columns=COLUMNS))


def corrected(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with p corrected over the candidates of a section, and the statuses that follow.

    A section is a test set under one protocol. A candidate without a comparison counts in the
    family: leaving it out because nothing was run for it would make the others better.
    """
    from analysis.statistics.controls import controls_needed
    from analysis.statistics.families import adjust

    curves = [*[name for name in PLACE if name not in CONTEXT], "candidate"]
    rows = rows.reset_index(drop=True)
    columns: dict[str, Any] = {
        name: np.full(len(rows), np.nan) for name in ("p_adjusted", "p_bounds_adjusted")
    }
    size = np.ones(len(rows), dtype="int64")
    for index in groups(rows, [*CONTEXT, "claim"]).values():
        size[index] = len(groups(rows.iloc[index], curves))
    for index in groups(rows, [*CONTEXT, "claim", "control_kind"]).values():
        for name in ("p", "p_bounds"):
            p = rows[name].to_numpy(dtype=float)[index]
            known = ~np.isnan(p)
            if known.any():
                found = adjust(p[known], method="holm", family_size=int(size[index[0]])).p
                columns[f"{name}_adjusted"][index[known]] = found
    needed = [
        controls_needed(ONE_SIDED_SIGNIFICANCE, tail="greater", family_size=int(m)) for m in size
    ]
    rows = rows.assign(**columns, family_size=size, controls_needed=needed)
    few = (rows["status"] == "ok") & (rows["k"] < rows["controls_needed"])
    said = [_too_few(row) for row in rows[few].to_dict("records")]
    rows.loc[few, "status"] = "too_few_controls"
    rows.loc[few, "why"] = said
    return ordered(rows, [*PLACE, "candidate", "claim", "control_kind"])


def claim_rows(sample: Sample) -> list[dict[str, Any]]:
    """The rows of both claims, before they are corrected over candidates."""
    alike = _correlation(sample) if not sample.why else {}
    return [_claim_row(sample, claim, sign, alike) for claim, sign in CLAIMS.items()]


def _claim_row(sample: Sample, claim: str, sign: int, alike: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS) | sample.names | {"claim": claim}
    row |= dict.fromkeys(("p", "p_bounds", *RANKS, "correlation", "p_correlation"), np.nan)
    row |= {"k": len(sample.controls), "left_out": sum(sample.left_out.values())}
    row |= {"difference_limit": np.nan, "status": "not_comparable"}
    if sample.why:
        return row | {"why": sample.why}
    row |= {
        "n": sample.differences.shape[2],
        "n_missing": int(np.isnan(sample.differences).sum()),
        "lacking": lacking(sample.missing, sample.differences.shape[2]).strip(),
    }
    row |= {"doses": tuple(sample.alphas.tolist())}
    side = sample.alphas * sign > 0
    up, down = _mirrored(sample.alphas)
    if not side.any():
        return row | {"why": _missing_sign(sample, sign)}
    row |= _effect(sample, sign, side) | {"difference_limit": _limit(sample, sign, side)}
    if not len(up):
        return row | {"why": _missing_sign(sample, -sign)}
    row |= _signed(sample, up, down) | alike
    row["p"] = max(row[name] for name in RANKS)
    row["p_bounds"] = _at_bounds(sample, sign, side, up, down)
    row["rank_floor"] = 1 / (row["k"] + 1)
    correlated = alike["correlation_status"] == "correlated_controls"
    row["status"] = "correlated_controls" if correlated else "ok"
    row["why"] = _correlated(row) if correlated else ""
    return {name: row[name] for name in COLUMNS}


def _mirrored(alphas: Array) -> tuple[Array, Array]:
    """Columns of the doses a > 0 that were run at −a too, and columns of their −a."""
    at = {float(alpha): column for column, alpha in enumerate(alphas)}
    sizes = [alpha for alpha in at if alpha > 0 and -alpha in at]
    up, down = ([at[sign * alpha] for alpha in sizes] for sign in (1, -1))
    return np.array(up, dtype=int), np.array(down, dtype=int)


def _effect(sample: Sample, sign: int, side: Array) -> dict[str, Any]:
    """The rank of the effect at doses of the claim's sign."""
    from analysis.statistics.over_doses import beyond_controls as ranked

    effects = np.nanmean(sample.differences[:, side], axis=2)
    found = ranked(
        effects, side="greater" if sign > 0 else "less", significance=ONE_SIDED_SIGNIFICANCE
    )
    at = found.dose or 0
    return {
        "alpha": float(sample.alphas[side][at]),
        "difference": float(effects[0, at] - effects[1:, at].mean()),
        "p_effect": found.p,
        "beyond": found.beyond,
    }


def _signed(sample: Sample, up: Array, down: Array) -> dict[str, Any]:
    """The ranks of the signed effect and of its share; both claims need it positive."""
    from analysis.statistics.over_doses import beyond_controls as ranked
    from analysis.statistics.over_doses import signed_share

    halves = (sample.differences[:, up] - sample.differences[:, down]) / 2
    effects, share = np.nanmean(halves, axis=2), signed_share(halves)
    found = ranked(effects, side="greater", significance=ONE_SIDED_SIGNIFICANCE)
    one_sided = ranked(share, side="greater", significance=ONE_SIDED_SIGNIFICANCE)
    at, same = found.dose or 0, one_sided.dose or 0
    return {
        "signed_alpha": float(sample.alphas[up][at]),
        "signed": float(effects[0, at]),
        "controls_signed": float(effects[1:, at].mean()),
        "p_signed": found.p,
        "share": float(share[0, same]),
        "controls_share": float(np.abs(share[1:, same]).mean()),
        "p_share": one_sided.p,
    }


def _at_bounds(sample: Sample, sign: int, side: Array, up: Array, down: Array) -> float:
    """The largest of the three ranks with every unknown outcome taken against the claim."""
    from analysis.statistics.over_doses import beyond_controls as ranked
    from analysis.statistics.over_doses import signed_share

    low, high = sample.low, sample.high
    worse, better = (low, high) if sign > 0 else (high, low)
    effect = np.concatenate([worse[:1, side], better[1:, side]]).mean(axis=2)
    least = (low[:, up] - high[:, down]) / 2
    most = (high[:, up] - low[:, down]) / 2
    halves = np.concatenate([least[:1], most[1:]])
    found = [ranked(effect, side="greater" if sign > 0 else "less").p]
    found += [
        ranked(values, side="greater").p for values in (halves.mean(axis=2), signed_share(halves))
    ]
    return max(found)


def _correlation(sample: Sample) -> dict[str, Any]:
    """Whether the controls do the same to the same problems, from their signed effects."""
    from analysis.statistics.over_doses import control_correlation

    up, down = _mirrored(sample.alphas)
    if not len(up):
        return {}
    # What is missing counts as no change, whatever the sign of its control.
    halves = np.nan_to_num(sample.differences[1:, up] - sample.differences[1:, down]) / 2
    found = control_correlation(
        halves.reshape(len(halves), -1),
        rng=np.random.default_rng(SEED),
        resamples=RESAMPLES,
    )
    return {
        "correlation": found.estimate,
        "p_correlation": found.p,
        "correlation_status": found.status,
    }


def _limit(sample: Sample, sign: int, side: Array) -> float:
    """The most by which the candidate may be beyond the mean of its controls, at any dose.

    Every outcome without a verdict is taken for the claim, so that none of them may hide a gain.
    """
    from analysis.statistics.one_against_controls import candidate_minus_controls

    if len(sample.controls) < 2 or sample.differences.shape[2] < 2:
        return np.nan
    own, others = (sample.high, sample.low) if sign > 0 else (sample.low, sample.high)
    limits = []
    for column in np.flatnonzero(side):
        found = candidate_minus_controls(
            own[0, column],
            others[1:, column].T,
            scope="new problems and directions",
            confidence=CONFIDENCE,
        )
        limits.append(found.high if sign > 0 else -found.low)
    # Where nothing differs there is no interval, and nothing is excluded.
    return float(np.max(limits))


def _missing_sign(sample: Sample, sign: int) -> str:
    """What to run where the controls lack the doses of one sign."""
    missing = [-alpha for alpha in sample.alphas.tolist() if -alpha not in sample.alphas]
    return (
        f"It and its {sample.names['control_kind']} controls were not run at the same "
        f"{'positive' if sign > 0 else 'negative'} doses, so nothing says that the sign of the "
        f"push matters: collect all of them at α = {words.alphas(sorted(missing))}."
    )


def _too_few(row: Mapping[Any, Any]) -> str:
    beside = f", with {row['family_size']} candidates compared" if row["family_size"] > 1 else ""
    return (
        f"{words.counted(int(row['k']), row['control_kind'] + ' control')} cannot decide: no rank "
        f"among them is below {words.p_value(row['rank_floor'])}{beside}. "
        f"{int(row['controls_needed'])} are needed."
    )


def _correlated(row: Mapping[str, Any]) -> str:
    return (
        f"Its {row['control_kind']} controls do the same to the same problems (mean cosine "
        f"{words.signed(row['correlation'], 3)}, {words.p_is(row['p_correlation'])}): they are "
        "fewer than they look, and a rank among them means too much."
    )
