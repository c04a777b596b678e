"""Checks of directions: where they were fitted and added, on what, and whether they arrive."""

from __future__ import annotations

import numpy as np

from analysis import words
from analysis.audit.case import Case
from analysis.audit.check import check
from analysis.audit.copies import Edit
from analysis.audit.finding import CouldNotRun, NotApplicable, Seen
from analysis.tables.live_norms import dead_positions

SAME = 0.999
SEED, SPLITS, DRAWS = 0, 20, 99
# A share of the squared norm that rounding explains is not worth a word.
SHARE = 0.001


def _candidates(case: Case) -> int:
    directions = case.view("directions")
    count = int((directions["role"] == "candidate").sum()) if len(directions) else 0
    if not count:
        raise NotApplicable("the store has no candidate directions")
    return count


@check(
    "direction/site",
    "A direction was fitted at one site and is added at another: it is of another space.",
    action="Fit it where it is added (`steerstat directions fit`), and run it again.",
)
def site(case: Case) -> Seen:
    """Candidates whose recipe names another site."""
    _candidates(case)
    told, asked = case.ask("direction_site", same=True), case.ask("direction_site")
    if not len(told):
        raise CouldNotRun("no candidate says where it was fitted (`fitted_at` of its recipe)")
    ids = sorted(set(asked.rows.get("direction_id", ())))
    first = asked.first
    return Seen(
        checked=len(set(told.column("direction_id"))),
        rows=asked.rows,
        sql=asked.sql,
        affected=len(ids),
        said=f"{first.get('direction')} was fitted at {first.get('fitted_at')} and is added at "
        f"{first.get('added_at')}" + (f", as {len(ids) - 1} more." if len(ids) > 1 else "."),
        least="weakens",
        edit=Edit(directions=ids),
        unknown=True,
    )


@check(
    "direction/dead",
    "A part of a direction lies on positions that change nothing.",
    action="Steer with a protocol in which every position is fed back, or state the live norm.",
    reference="The live gate (docs/reproduce.md).",
)
def dead(case: Case) -> Seen:
    """Shares of squared norms on positions that the gates found dead."""
    _candidates(case)
    asked = case.ask("direction_dead")
    if not len(asked):
        raise NotApplicable("no candidate with several positions was run")
    if not any('"live"' in str(gates) for gates in case.view("runs")["gates"]):
        raise CouldNotRun("no run says which positions are live: `steerstat model check` does")
    square = asked.rows["norm"].to_numpy(dtype=float) ** 2
    keys = [(row["direction"], row["protocol"]) for row in asked.records]
    total: dict[tuple[str, str], float] = {}
    dead_of: dict[tuple[str, str], float] = {}
    gone = [row["place"] in dead_positions(case.readings, row["protocol"]) for row in asked.records]
    for key, one, is_dead in zip(keys, square, gone, strict=True):
        total[key] = total.get(key, 0.0) + float(one)
        dead_of[key] = dead_of.get(key, 0.0) + float(one) * is_dead
    shares = {key: dead_of[key] / size for key, size in total.items() if size > 0}
    found = asked.where(
        [is_dead and shares.get(key, 0.0) > SHARE for key, is_dead in zip(keys, gone, strict=True)]
    )
    worst = max(shares, key=lambda key: shares[key], default=("", ""))
    most = shares.get(worst, 0.0)
    return Seen(
        checked=len(asked),
        rows=found.rows,
        sql=found.sql,
        said=f"{words.percent(most, 0)} of the squared norm of {worst[0]} is on "
        f"{', '.join(sorted(set(found.rows.get('place', ()))))}, which changes nothing: its push "
        "is weaker than its norm says.",
        least="weakens",
        quantity="share of squared norm on dead positions",
        estimate=most,
    )


@check(
    "direction/trained_on_test",
    "A direction is tested on problems that it was fitted on.",
    action="Fit on problems that are in no test set, or test on the others.",
    reference="Kapoor and Narayanan (Patterns 2023), L1.",
    needs="outcomes",
)
def trained_on_test(case: Case) -> Seen:
    """Problems of a test set that are in the training set of the direction tested there."""
    _candidates(case)
    fitted = [text for text in case.view("directions")["fitted_on"] if text]
    if not fitted:
        raise CouldNotRun("no direction says what it was fitted on (`fitted_on`)")
    asked = case.ask("direction_trained_on_test")
    problems = asked.rows.drop_duplicates(["set_name", "problem_id"]) if len(asked) else asked.rows
    return Seen(
        checked=len(fitted),
        rows=asked.rows,
        sql=asked.sql,
        affected=len(problems),
        said=f"{words.counted(len(problems), 'test problem')} took part in fitting a direction "
        "that is tested on them.",
        least="weakens",
        edit=Edit(problems=[*zip(problems["set_name"], problems["problem_id"], strict=True)])
        if len(problems)
        else Edit(),
    )


@check(
    "direction/unreliable",
    "Two halves of the training set give directions no more alike than shuffled labels do.",
    action="Fit on more problems; a direction that its own halves do not agree on is noise.",
    reference="Split-half reliability against its permutation null.",
)
def unreliable(case: Case) -> Seen:
    """Candidates whose halves agree no more than those of shuffled labels."""
    _candidates(case)
    fitted = case.ask("direction_fitted")
    if not len(fitted):
        raise CouldNotRun("no activations are stored of a candidate's training set")
    bad, reliability = [], {}
    for row in fitted.records:
        vectors = case.ask(
            "direction_activations",
            set_name=row["set_name"], site=row["fitted_at"], protocol=row["protocol"],
        )  # fmt: skip
        agreement, p = split_half(
            np.stack([np.asarray(one, dtype=float) for one in vectors.column("values_")]),
            vectors.rows["label"].to_numpy(dtype=bool),
        )
        reliability[row["direction"]] = agreement
        bad.append(p > 0.05)
    found = fitted.where(bad)
    worst = min(reliability, key=lambda name: reliability[name])
    return Seen(
        checked=len(fitted),
        rows=found.rows,
        sql=fitted.sql,
        said=f"Halves of the training set of {worst} have a cosine of {reliability[worst]:+.2f}, "
        "no more than with shuffled labels.",
        least="weakens",
        edit=Edit(directions=found.column("direction_id") if len(found) else ()),
        quantity="split-half cosine",
        estimate=reliability[worst],
    )


def split_half(values: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Mean cosine of mean differences [n, d] of two halves, and its p among shuffled labels."""
    rng = np.random.default_rng(SEED)
    observed = _agreement(values, right, rng, SPLITS)
    null = [_agreement(values, rng.permutation(right), rng, 2) for _ in range(DRAWS)]
    return observed, (1 + sum(one >= observed for one in null)) / (DRAWS + 1)


def _agreement(
    values: np.ndarray, right: np.ndarray, rng: np.random.Generator, splits: int
) -> float:
    cosines = []
    for _ in range(splits):
        half = np.zeros(len(right), dtype=bool)
        for label in (True, False):
            of = rng.permutation(np.flatnonzero(right == label))
            half[of[: len(of) // 2]] = True
        first, second = (
            values[part & right].mean(axis=0) - values[part & ~right].mean(axis=0)
            for part in (half, ~half)
        )
        size = np.linalg.norm(first) * np.linalg.norm(second)
        cosines.append(float(first @ second / size) if size > 0 else 0.0)
    return float(np.mean(cosines))


@check(
    "direction/copies",
    "Two directions are equal, or have a cosine above .999.",
    action="Leave the copy out: as a control it is counted twice, as a candidate tested twice.",
)
def copies(case: Case) -> Seen:
    """Directions that another one is, but for its length."""
    asked = case.ask("direction_vectors_whole")
    if len(asked) < 2:
        raise NotApplicable("there are no two directions with vectors")
    again: dict[str, str] = {}
    rows = asked.records
    by_shape: dict[tuple[str, int], list[int]] = {}
    for i, row in enumerate(rows):
        by_shape.setdefault((row["site"], len(row["values_"])), []).append(i)
    for index in by_shape.values():
        units = np.stack([np.asarray(rows[i]["values_"], dtype=float) for i in index])
        size = np.linalg.norm(units, axis=1, keepdims=True)
        units = np.divide(units, size, out=np.zeros_like(units), where=size > 0)
        close = np.triu(units @ units.T > SAME, k=1)
        for a, b in np.argwhere(close):
            again.setdefault(rows[index[b]]["direction_id"], rows[index[a]]["direction"])
    ids = sorted(again)
    found = case.ask("direction_copies", ids=ids)
    first = found.first
    return Seen(
        checked=len(asked),
        rows=found.rows,
        sql=found.sql,
        said=f"{words.counted(len(ids), 'direction')} repeat another: {first.get('direction')} is "
        f"{again.get(str(first.get('direction_id')))}.",
        edit=Edit(directions=ids),
    )


@check(
    "direction/norm",
    "A direction has no norm, or one ten times that of its kind.",
    action="Compute it anew; doses of directions of another length are other doses.",
)
def norm(case: Case) -> Seen:
    """Directions without a norm, and those far from their kind."""
    if not len(case.view("directions")):
        raise NotApplicable("the store has no directions")
    asked = case.ask("direction_norm")
    ids = asked.column("direction_id") if len(asked) else []
    first = asked.first
    return Seen(
        checked=len(case.view("directions")),
        rows=asked.rows,
        sql=asked.sql,
        said=f"{words.counted(len(ids), 'direction')} of a norm that is none or far from that of "
        f"its kind: {first.get('direction')} has {first.get('norm')}.",
        least="weakens",
        edit=Edit(directions=ids),
    )


@check(
    "direction/delivered",
    "A direction was not added, or not at every position that it has.",
    action="Compare the hook with `steerstat model check`; collect these conditions again.",
    needs="outcomes",
)
def delivered(case: Case) -> Seen:
    """Conditions whose norms say that a push did not arrive."""
    details = case.view("condition_details")
    steered = int((details["direction_id"].notna() & (details["alpha"] != 0)).sum())
    if not steered:
        raise NotApplicable("nothing was steered")
    if not len(case.view("norms_by_position")):
        raise CouldNotRun("no steered outcome has its norms before and after")
    asked = case.ask("direction_delivered")
    first = asked.first
    return Seen(
        checked=steered,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{words.counted(len(asked), 'condition')} did not get all of the push: of "
        f"{first.get('direction')} at α = {first.get('alpha')} {first.get('not_moved')} of "
        f"{first.get('n')} outcomes kept a norm to the last digit, and {first.get('short')} lack "
        "positions.",
        least="weakens",
        edit=Edit(conditions=asked.column("condition_id") if len(asked) else ()),
        unknown=True,
    )
