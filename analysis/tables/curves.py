"""Tables behind the curves over alpha: with the baseline in them, and the controls' band."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import words
from analysis.tables.base import CONTEXT, CURVE, PART, STAMPS, groups, ordered, whole_test_sets
from analysis.tables.comparisons import EFFECT, control_points, controls, panel_names
from analysis.tables.own_controls import PLACE
from analysis.tables.paired import accuracy, effects
from analysis.tables.readings import Source, remembered, view

TRANSITIONS = ["stayed right", "gained", "lost", "stayed wrong", "missing"]


@remembered
def accuracy_curves(store: Source) -> pd.DataFrame:
    """`effects` of the candidates, each curve with its baseline as the row at alpha 0.

    `accuracy` is that of the row's own `n` pairs, and `baseline_accuracy` the baseline's on the
    same: where outcomes are missing (errors), pairs and with them the baseline differ from dose to
    dose. The row at 0 is of all outcomes that the baseline has.
    """
    tested = effects(store)
    tested = tested[tested["role"] == "candidate"].reset_index(drop=True)
    for name in ("accuracy_low", "accuracy_high"):
        tested[name] = tested[name].clip(0, 1)
    every = accuracy(store).set_index(["condition_id", "set_name"])
    zero = []
    for index in groups(tested, CURVE).values():
        row = tested.iloc[index[0]].to_dict()
        own = every.loc[[(row["baseline_id"], row["set_name"])]].iloc[0]
        row |= {"alpha": 0.0, "condition_id": row["baseline_id"], "n": own["n"] - own["n_missing"]}
        row |= dict.fromkeys(("accuracy", "accuracy_low", "accuracy_high"), own["accuracy"])
        row |= {"baseline_accuracy": own["accuracy"], "stop": None, PART: False}
        row |= {"gained": 0, "lost": 0, "discordant": 0, "estimate": 0.0, "low": 0.0, "high": 0.0}
        row |= dict.fromkeys(("p", "p_adjusted", "p_exact", "p_sign"), np.nan)
        zero.append(row)
    if zero:
        tested = pd.concat([tested, pd.DataFrame(zero)[tested.columns]], ignore_index=True)
    tested["alpha_label"] = tested["alpha"].map(words.alpha)
    return ordered(tested, [*CURVE, "alpha"])


@remembered
def control_band(store: Source) -> pd.DataFrame:
    """Where a further control direction's accuracy would fall, per set and alpha.

    `accuracy_low/high`: Crawford–Howell's prediction interval of the controls' effects, moved to
    the baseline on the candidate's pairs at that dose (fractions); `k` comparable controls of the
    kind and candidate that `label` names.
    """
    compared = controls(store)
    compared = compared[(compared["quantity"] == EFFECT) & compared["prediction_low"].notna()]
    tested = effects(store)
    keys = tested[[*PLACE, "direction", "alpha"]].itertuples(index=False, name=None)
    known = dict(zip(keys, tested["baseline_accuracy"], strict=True))
    own = compared[[*PLACE, "candidate", "alpha"]].itertuples(index=False, name=None)
    level = pd.Series([known[key] for key in own], index=compared.index, dtype=float)
    band = compared.assign(
        accuracy_low=(level + compared["prediction_low"]).clip(0, 1),
        accuracy_high=(level + compared["prediction_high"]).clip(0, 1),
        accuracy_mean=level + compared["controls_mean"],
        label=compared["control_kind"] + " of " + compared["candidate"],
    )
    columns = [*PLACE, "candidate", "label", "alpha", "k", "accuracy_low", "accuracy_mean"]
    columns += ["accuracy_high"]
    return band.drop_duplicates([*PLACE, "label", "alpha"])[columns].reset_index(drop=True)


@remembered
def controls_strip(store: Source, *, bins: int = 60) -> pd.DataFrame:
    """`control_points` with the panel each belongs to and where its dot stands.

    `panel` is the dose as text; `stack` (−1…1) spreads dots of nearly equal effect (one of `bins`
    equal bins of the panel's range) around the middle, so that none hides another.
    """
    points = control_points(store)
    points = points.assign(panel=panel_names(points))
    stack = np.zeros(len(points))
    estimate = points["estimate"].to_numpy(dtype=float)
    for index in groups(points, [*PLACE, "panel"]).values():
        span = np.ptp(estimate[index]) or 1.0
        bin_of = np.floor((estimate[index] - estimate[index].min()) / span * (bins - 1))
        largest = max(np.unique(bin_of, return_counts=True)[1].max(), 8)
        for value in np.unique(bin_of):
            dots = index[bin_of == value]
            dots = dots[points["role"].to_numpy()[dots] == "control"]
            stack[dots] = (np.arange(len(dots)) - (len(dots) - 1) / 2) * 2 / largest
    return points.assign(stack=stack)


def forest(store: Source) -> pd.DataFrame:
    """`effects` of the candidates with what a forest plot writes beside each line."""
    tested = effects(store)
    tested = tested[tested["role"] == "candidate"].reset_index(drop=True)
    return tested.assign(
        alpha_label=tested["alpha"].map(words.alpha),
        counts_label=[*map(words.moved, tested["gained"], tested["lost"])],
        p_label=tested["p_adjusted"].map(words.p_value),
    )


@remembered
def transitions(store: Source) -> pd.DataFrame:
    """Per candidate and alpha: problems that stayed right, were gained or lost, stayed wrong.

    Counts; an answer that cannot be read is not right (`n_unreadable` of them), `missing` counts
    pairs in which either outcome is missing (an error); `total` is all of
    them; `gained_label` and `lost_label` are what is written above a bar.
    """
    frame = view(store, "transitions")
    frame = frame[frame["role"] == "candidate"]
    seeds = accuracy(store).set_index(["condition_id"])["n_seeds"].groupby(level=0).max()
    frame = whole_test_sets(frame.assign(n_seeds=frame["condition_id"].map(seeds)), store)
    frame = frame.assign(
        total=frame["n"],
        alpha_label=frame["alpha"].map(words.alpha),
        gained_label=[f"+{count}" for count in frame["gained"]],
        lost_label=[f"{words.MINUS}{count}" for count in frame["lost"]],
    )
    return ordered(frame, [*[c for c in CURVE if c in frame], "alpha"])


def transitions_long(store: Source) -> pd.DataFrame:
    """`transitions` with one row per outcome, in the order in which a bar stacks them."""
    wide = transitions(store)
    keep = [name for name in (*CURVE, *STAMPS, "kind", "alpha", "alpha_label") if name in wide]
    parts = [
        wide[keep].assign(outcome=name, order=order, problems=wide[name.replace(" ", "_")])
        for order, name in enumerate(TRANSITIONS)
    ]
    long = pd.concat(parts, ignore_index=True)
    seen = long.groupby("outcome")["problems"].transform("sum") > 0
    long = long[seen | (long["outcome"] != "missing")]
    return ordered(long, [*[c for c in CONTEXT if c in long], "direction", "alpha", "order"])
