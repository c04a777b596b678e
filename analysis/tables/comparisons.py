"""A candidate direction against its control directions, one observation against few."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from analysis import words
from analysis.tables.base import CONTEXT, PART, STAMPS, groups, ordered
from analysis.tables.own_controls import PLACE, Array, Run, Sample, runs, samples
from analysis.tables.paired import effects
from analysis.tables.readings import Source, remembered, view
from analysis.vocabulary import CONFIDENCE

POINT_COLUMNS = [
    *PLACE, *STAMPS, "candidate", "control_kind", "quantity", "alpha", "direction", "role", "n",
    "gained", "lost", "estimate", "estimate_low", "estimate_high",
]  # fmt: skip
CONTROL_COLUMNS = [
    *PLACE, *STAMPS, "candidate", "control_kind", "quantity", "alpha", "n", "least_n", "k",
    "estimate", "controls_mean", "controls_sd", "difference", "beyond", "p_rank", "p_rank_bound",
    "rank_floor", "rank_status",
    "order_low", "order_high", "order_level", "d", "d_ddof0", "g", "d_low", "d_high", "t",
    "p_crawford_howell", "p_normal", "prediction_low", "prediction_high", "level", "status", "why",
]  # fmt: skip
SIGNED_COLUMNS = [
    *PLACE, "direction", *STAMPS, "kind", "role", "quantity", "alpha", "n", "estimate",
    "conditions", "n_missing",
]  # fmt: skip
EFFECT, SIGNED = "effect", "signed effect"


@remembered
def control_points(store: Source) -> pd.DataFrame:
    """One row per direction that takes part in a comparison: the candidate and each control.

    `quantity` is `effect` (the paired effect at `alpha`) or `signed effect`, [f(a) − f(−a)]/2,
    which damage that both signs do cancels out of; `alpha` is then the positive dose. Fractions.
    Each direction is counted on the `n` problems on which neither it (at either dose, where there
    are two) nor the baseline has a missing outcome: all of the set but for errors. `estimate_low`
    and `estimate_high` are of all problems, with every outcome of the direction that has no verdict
    wrong, and right. What a sequential plan ended before the last problem takes no part: its own
    outcomes chose the problems.
    """
    tested = effects(store)
    tested = tested[~tested[PART].astype(bool)].reset_index(drop=True)
    tested = tested.assign(conditions=tested["condition_id"].map(lambda name: (name,)))
    signed = on_problems_of_both(signed_effects(tested), _run_of(store))
    both = pd.concat([tested.assign(quantity=EFFECT), signed], ignore_index=True)
    points = match_controls(
        with_extremes(both, store), view(store, "named_directions"), samples(store)
    )
    return points


def signed_effects(tested: pd.DataFrame) -> pd.DataFrame:
    """[f(a) − f(−a)]/2 of every curve that was swept at both signs of a dose.

    The baseline cancels, so the estimate is half the difference of the two paired effects (each
    on its own problems; `on_problems_of_both` counts them on the same).
    """
    columns = [*PLACE, "direction"]
    positive = tested[tested["alpha"] > 0]
    rows = []
    for value, index in groups(tested, columns).items():
        curve = tested.iloc[index].set_index("alpha")
        for alpha in sorted(set(curve.index) & {-a for a in curve.index} & set(positive["alpha"])):
            up, down = curve.loc[alpha], curve.loc[-alpha]
            rows.append(
                dict(zip(columns, value, strict=True))
                | {name: up[name] for name in (*STAMPS, "kind", "role")}
                | {
                    "quantity": SIGNED,
                    "alpha": alpha,
                    "n": min(up["n"], down["n"]),
                    "estimate": (up["estimate"] - down["estimate"]) / 2,
                    "conditions": (*up["conditions"], *down["conditions"]),
                    "n_missing": up["n_missing"] + down["n_missing"],
                }
            )
    return pd.DataFrame(rows, columns=SIGNED_COLUMNS)


class Paired(Protocol):
    """What a condition did to each problem."""

    @property
    def problems(self) -> Array:
        """Their numbers."""

    @property
    def differences(self) -> Array:
        """Steered minus baseline, NaN where either is missing."""


def on_problems_of_both(
    signed: pd.DataFrame, of: Callable[[str, str | None], Paired]
) -> pd.DataFrame:
    """The rows of `signed_effects`, counted on the problems that both doses have a pair on.

    `of` gives what a condition (by its id) did on a set. Where no outcome is missing the rows stay
    as they are; without a problem that both have there is none.
    """
    signed = signed.reset_index(drop=True)
    for at, row in signed[signed["n_missing"] > 0].to_dict("index").items():
        up, down = (of(name, row["set_name"]) for name in row["conditions"])
        _, first, second = np.intersect1d(up.problems, down.problems, return_indices=True)
        halves = (up.differences[first] - down.differences[second]) / 2
        known = halves[~np.isnan(halves)]
        signed.loc[at, "n"] = len(known)
        signed.loc[at, "estimate"] = known.mean() if len(known) else np.nan
    return signed[signed["n"] > 0].reset_index(drop=True)


def with_extremes(rows: pd.DataFrame, store: Source) -> pd.DataFrame:
    """The rows with `estimate_low` and `estimate_high`: whatever has no verdict against, and for.

    The baseline is one for all directions that are compared: only what was steered may be this or
    that, and what is known of the baseline is taken off.
    """
    of = _run_of(store)
    limits = []
    for row in rows.to_dict("records"):
        up, *down = (of(name, row["set_name"]) for name in row["conditions"])
        if down:
            low, high = (
                (up.low.mean() - down[0].high.mean()) / 2,
                (up.high.mean() - down[0].low.mean()) / 2,
            )
        else:
            known = up.baseline[~np.isnan(up.baseline)].mean()
            low, high = up.low.mean() - known, up.high.mean() - known
        limits.append((float(low), float(high)))
    low, high = np.array(limits).reshape(-1, 2).T
    return rows.assign(estimate_low=low, estimate_high=high)


def _run_of(store: Source) -> Callable[[str, str | None], Run]:
    """What a condition did on a set, by its id."""
    details, known = view(store, "condition_details"), runs(store)
    numbers = dict(zip(details["condition_id"], details["condition_no"], strict=True))
    return lambda condition, set_name: known[int(numbers[condition]), set_name]


def match_controls(
    tested: pd.DataFrame, directions: pd.DataFrame, compared: Sequence[Sample] = ()
) -> pd.DataFrame:
    """Each candidate's row with the rows of its own controls at the same place and dose.

    Its own controls are those whose `parent_id` it is, kind by kind: the comparable ones of its
    sample, or where none is comparable all of them, which then are shown and not tested.
    """
    ids = dict(zip(directions["name"], directions["direction_id"], strict=True))
    parents = dict(zip(directions["name"], directions["parent_id"], strict=True))
    kept = {_key(one.names): one.controls for one in compared if one.controls}
    tested = tested.assign(parent=tested["direction"].map(parents).astype(object))
    found: list[pd.DataFrame] = []
    for index in groups(tested, [*PLACE, "quantity", "alpha"]).values():
        rows = tested.iloc[index]
        controls = rows[rows["role"] == "control"]
        for candidate in rows[rows["role"] == "candidate"].to_dict("records"):
            own = controls[controls["parent"] == ids.get(candidate["direction"])]
            for kind, sample in own.groupby("kind"):
                named = {"candidate": candidate["direction"], "control_kind": kind}
                comparable = kept.get(_key(candidate | named))
                if comparable is not None:
                    sample = sample[sample["direction"].isin(comparable)]
                if len(sample):
                    pair = pd.concat([pd.DataFrame([candidate]), sample], ignore_index=True)
                    found.append(pair.assign(**named))
    if not found:
        return pd.DataFrame(columns=POINT_COLUMNS)
    points = pd.concat(found, ignore_index=True)
    order = [*PLACE, "candidate", "control_kind", "quantity", "alpha", "role", "direction"]
    return ordered(points.reindex(columns=POINT_COLUMNS), order)


def _key(names: Mapping[Any, Any]) -> tuple[Any, ...]:
    """What one sample is known by."""
    return tuple(names[name] for name in (*PLACE, "candidate", "control_kind"))


@remembered
def controls(store: Source) -> pd.DataFrame:
    """One row per candidate, kind of its own controls and dose: is it unusual among them?

    `estimate` is the candidate's own effect on its `n` problems, `difference` that − mean of the
    controls (fractions), the least complete of which has `least_n`;
    `beyond` counts controls at least as far from their mean on its side; `p_rank` is two-sided,
    `p_rank_bound` no smaller than it is however the outcomes without a verdict of candidate and
    controls are read, and `rank_floor` the smallest that so few controls can give.
    `order_low/high` is where one more control would fall whatever their distribution (it covers
    `order_level`), `prediction_low/high` where it would if they were normal; `p_normal`
    (Shapiro–Wilk) checks that. `d` has ddof = 1, `d_low/high` is the interval that agrees with
    Crawford–Howell. Where no control is comparable they are described and not tested: `status` is
    `not_comparable`, and `why` says what to run.
    """
    return compare(control_points(store), samples(store))


def compare(points: pd.DataFrame, compared: Sequence[Sample] = ()) -> pd.DataFrame:
    """The columns of `controls` from the rows of `control_points`."""
    why = {_key(one.names): one.why for one in compared}
    rows = []
    columns = [*PLACE, "candidate", "control_kind", "quantity", "alpha"]
    for value, index in groups(points, columns).items():
        group = points.iloc[index]
        names = dict(zip(columns, value, strict=True))
        own = group[group["role"] == "candidate"].iloc[0]
        sample = group[group["role"] == "control"]["estimate"].to_numpy(dtype=float)
        found = _comparison(float(own["estimate"]), sample)
        found["p_rank_bound"] = _rank_bound(group, own)
        reason = why.get(_key(names), "")
        if reason:
            told = ("estimate", "k", "level", "controls_mean", "controls_sd", "difference")
            found = {name: one for name, one in found.items() if name in told}
            found |= dict.fromkeys(("status", "rank_status"), "not_comparable")
        about = {name: own[name] for name in (*STAMPS, "n")} | {"least_n": group["n"].min()}
        rows.append(names | about | found | {"why": reason})
    table = pd.DataFrame(rows, columns=CONTROL_COLUMNS)
    return table.assign(panel=pd.Series(panel_names(table), index=table.index, dtype=object))


def _rank_bound(group: pd.DataFrame, own: pd.Series) -> float:
    """The two-sided rank p of a candidate with all that has no verdict against each side."""
    of = group[group["role"] == "control"]
    if len(of) < 2 or group[["estimate_low", "estimate_high"]].isna().any(axis=None):
        return np.nan
    slack = 1e-9
    above = (of["estimate_high"] >= own["estimate_low"] - slack).sum()
    below = (of["estimate_low"] <= own["estimate_high"] + slack).sum()
    return float(min(1.0, 2 * (1 + min(above, below)) / (len(of) + 1)))


def panel_names(frame: pd.DataFrame) -> list[str]:
    """The dose of each row as text; the signed effect says that it is one.

    Where several series of a section have controls, each has panels of its own.
    """
    of = [""] * len(frame)
    for index in groups(frame, CONTEXT).values():
        sampled = frame.iloc[index]
        series = words.series_labels(sampled[[*PLACE, "candidate"]], of="candidate")
        kinds = [f" ({kind})" for kind in sampled["control_kind"]]
        several = len(set(kinds)) > 1
        if several or len(set(series)) > 1:
            for at, name, kind in zip(index, series, kinds, strict=True):
                of[at] = f"{name}{kind if several else ''}, "
    doses = zip(of, frame["quantity"], frame["alpha"], strict=True)
    return [whose + dose_name(quantity, alpha) for whose, quantity, alpha in doses]


def dose_name(quantity: str, alpha: float) -> str:
    """A dose as text: ``α = −3``, or ``signed, |α| = 3``."""
    text = words.alpha(alpha)
    return f"α = {text}" if quantity == EFFECT else f"signed, |α| = {text[1:]}"


def _comparison(effect: float, sample: np.ndarray) -> dict[str, Any]:
    """Every figure of one candidate against its sample; too few controls leave them empty."""
    from analysis.statistics.controls import compare_to_controls
    from analysis.statistics.over_doses import normality, order_interval

    known: dict[str, Any] = {"estimate": effect, "k": len(sample), "level": CONFIDENCE}
    if len(sample) < 2:
        few = {"status": "too_few_controls", "rank_status": "too_few_controls"}
        return known | {"controls_mean": sample.mean()} | few
    result = compare_to_controls(effect, sample, tail="two-sided", confidence=CONFIDENCE)
    order = order_interval(sample, confidence=CONFIDENCE)
    side = np.sign(result.estimate) or 1.0
    slack = 1e-9 * np.abs([effect, *sample]).max()
    too_few = result.rank_floor > 1 - CONFIDENCE
    return known | {
        "controls_mean": result.control_mean,
        "controls_sd": result.control_sd,
        "difference": result.estimate,
        "beyond": int((side * (sample - effect) >= -slack).sum()),
        "order_low": order.low,
        "order_high": order.high,
        "order_level": order.confidence,
        "p_normal": normality(sample),
        "d": result.d,
        "d_ddof0": result.d_ddof0,
        "g": result.g,
        "d_low": result.d_low_random,
        "d_high": result.d_high_random,
        "t": result.statistic,
        "p_crawford_howell": result.p,
        "prediction_low": result.prediction_low,
        "prediction_high": result.prediction_high,
        "p_rank": result.p_rank,
        "rank_floor": result.rank_floor,
        "rank_status": "too_few_controls" if too_few else "ok",
        # Crawford–Howell needs two controls; only the rank test is short of them.
        "status": "ok" if result.status == "too_few_controls" else str(result.status),
    }
