"""The log-probability of the gold answer: a second outcome beside right and wrong, in nats.

Every answer has one, read or not, and it moves where an answer does not turn: so it has more power
than flips, and no verdict. Seeds are averaged within a problem; the problem is the unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.base import CURVE, PART, STAMPS, groups, matching, ordered
from analysis.tables.comparisons import (
    EFFECT,
    compare,
    match_controls,
    on_problems_of_both,
    signed_effects,
)
from analysis.tables.own_controls import PLACE, Array, samples
from analysis.tables.paired import effects, holm_by
from analysis.tables.paired_means import (
    RESAMPLES,
    SEED,
    PairedMeans,
    mean_change,
    paired_means,
)
from analysis.tables.readings import Source, opened, remembered, texts_to_objects, view
from analysis.vocabulary import CONFIDENCE

COLUMNS = [
    *CURVE, "kind", "role", *STAMPS, "alpha", "n", "n_missing", "baseline", "estimate", "low",
    "high", "level", "p", "p_adjusted", "family_size", "p_t", "bootstrap_low", "bootstrap_high",
    "status", "stop", PART, "condition_id",
]  # fmt: skip
DOSE_COLUMNS = [
    *CURVE, "kind", *STAMPS, "quantity", "dose", "n", "dropped", "estimate", "low", "high", "p",
]  # fmt: skip
TREND = "trend"


@remembered
def logprobs(store: Source) -> dict[tuple[str, str | None], PairedMeans]:
    """What every steered condition (by its id) has on each set, problems in one order."""
    from sql import loader

    readings = opened(store)
    table = texts_to_objects(readings.rows(loader.internal("gold_logprobs")).to_pandas())
    columns = {name: table[name].to_numpy() for name in ("problem_no", "steered", "baseline")}
    found = {}
    for key, rows in groups(table, ["condition_id", "set_name"]).items():
        problem, steered, baseline = (column[rows] for column in columns.values())
        own = paired_means(problem, steered, baseline)
        if own is not None:
            found[key] = own
    return found


@remembered
def gold_logprobs(store: Source) -> pd.DataFrame:
    """One row per row of `effects` that has log-probabilities: their paired change, tested.

    Nats. `baseline` is the mean over the `n` problems (seeds averaged within each), `estimate` the
    mean of steered − baseline. Candidates are tested: `p` by sign flips of problems, `p_adjusted`
    Holm over the alphas of the direction (`family_size`), `low`, `high` and `p_t` by Student's t,
    and the percentile bootstrap over problems. `n_missing` problems have none that is finite on
    both sides. What a sequential plan ended has its estimate alone (status `stopped`): no test of
    a mean here holds however often one looked.
    """
    known = logprobs(store)
    rows = []
    for row in effects(store).to_dict("records"):
        own = known.get((row["condition_id"], row["set_name"]))
        if own is None:
            continue
        figures: dict[str, Any] = {
            "n": len(own.problems),
            "n_missing": own.n_missing,
            "baseline": float(own.baseline.mean()),
            "estimate": float(own.differences.mean()),
            "level": CONFIDENCE,
            "status": "ok",
        }
        empty = dict.fromkeys(("low", "high", "p", "p_t", "bootstrap_low", "bootstrap_high"))
        if row["stop"] is not None:
            figures |= {"status": "stopped"}
        elif row["role"] == "candidate":
            figures |= mean_change(own)
        named = {str(name): row.get(name) for name in COLUMNS}
        rows.append(named | empty | {"p": np.nan} | figures)
    table = pd.DataFrame(rows, columns=COLUMNS)
    candidates = (table["role"] == "candidate").to_numpy(dtype=bool)
    tested = holm_by(table[candidates].reset_index(drop=True), CURVE)
    rest = table[~candidates].assign(family_size=0)
    parts = [part for part in (tested, rest) if len(part)]
    table = pd.concat(parts, ignore_index=True) if parts else table
    numbers = ["low", "high", "p", "p_adjusted", "p_t", "bootstrap_low", "bootstrap_high"]
    return ordered(table.astype(dict.fromkeys(numbers, float)), [*CURVE, "alpha"])


@remembered
def logprob_doses(store: Source) -> pd.DataFrame:
    """The whole curve of log-probabilities: trend, signed effect and damage of each candidate.

    One row per candidate and `quantity`: `trend` (nats per unit of alpha, reflection test), and at
    each |alpha| (`dose`) `signed effect` and `damage`, with limits and p of max-T over the doses.
    On the `n` problems that have one at every dose; curves without a ±alpha pair, and those of
    which a plan ended doses, are left out.
    """
    from analysis.statistics.dose import dose_response
    from analysis.statistics.results import Refusal

    table = gold_logprobs(store)
    table = table[table["role"] == "candidate"].reset_index(drop=True)
    rows = []
    for value, index in groups(table, CURVE).items():
        curve = table.iloc[index]
        if curve[PART].astype(bool).any():
            continue
        matrix, baseline, dropped = _matrix(store, curve)
        try:
            response = dose_response(
                matrix,
                curve["alpha"].tolist(),
                baseline=baseline,
                rng=np.random.default_rng(SEED),
                resamples=RESAMPLES,
            )
        except Refusal:
            continue
        names = dict(zip(CURVE, value, strict=True))
        names |= {name: curve[name].iloc[0] for name in ("kind", *STAMPS)}
        names |= {"n": response.n, "dropped": dropped}
        limits = ("estimate", "low", "high", "p")
        whole = {name: getattr(response, name) for name in limits}
        rows.append(names | {"quantity": TREND, "dose": np.nan} | whole)
        for quantity, part in (("signed effect", response.signed), ("damage", response.damage)):
            for at, dose in enumerate(response.sizes):
                figures = {name: float(getattr(part, name)[at]) for name in limits}
                rows.append(names | {"quantity": quantity, "dose": dose} | figures)
    return pd.DataFrame(rows, columns=DOSE_COLUMNS)


def _matrix(store: Source, curve: pd.DataFrame) -> tuple[Array, Array, int]:
    """[problems, alphas] steered and [problems] baseline, of problems known at every dose."""
    known = logprobs(store)
    own = [known[key] for key in zip(curve["condition_id"], curve["set_name"], strict=True)]
    shared = own[0].problems
    for one in own[1:]:
        shared = np.intersect1d(shared, one.problems, assume_unique=True)
    at = [np.searchsorted(one.problems, shared) for one in own]
    steered = [one.steered[rows] for one, rows in zip(own, at, strict=True)]
    every = {problem for one in own for problem in one.problems.tolist()}
    return np.stack(steered, axis=1), own[0].baseline[at[0]], len(every) - len(shared)


@remembered
def logprob_controls(store: Source) -> pd.DataFrame:
    """`tables.controls` of the log-probability: the candidate's change among its own controls'.

    The same comparable controls, the same ranks and quantities (`effect`, `signed effect`), in
    nats. Bounds over what is missing there are none: a log-probability may be anything.
    """
    table = gold_logprobs(store)
    table = table[~table[PART].astype(bool)].reset_index(drop=True)
    table = table.assign(conditions=table["condition_id"].map(lambda name: (name,)))
    known = logprobs(store)
    signed = on_problems_of_both(signed_effects(table), lambda name, of: known[name, of])
    both = pd.concat([table.assign(quantity=EFFECT), signed], ignore_index=True)
    of = samples(store)
    return compare(match_controls(both, view(store, "named_directions"), of), of)


def among_controls(row: Mapping[str, Any], among: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of `logprob_controls` that are about one row of `gold_logprobs`."""
    place = {name: row[name] for name in PLACE}
    asked = {"candidate": row["direction"], "alpha": row["alpha"], "quantity": EFFECT}
    found = matching(among, place | asked).to_dict("records")
    return [{str(name): value for name, value in one.items()} for one in found]
