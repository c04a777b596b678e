"""Which control directions a candidate may be compared with, and their outcomes beside its own.

A candidate is compared with controls of *its own*: drawn for it, with its norm at every live
position, run at the same doses in the same way on the same problems and seeds. Of anything else
nothing follows; the sample then says why, and what to run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis import words
from analysis.tables.base import CONTEXT, CURVE, PART, STAMPS, groups
from analysis.tables.live_norms import other_norms
from analysis.tables.paired import effects
from analysis.tables.readings import Readings, Source, opened, remembered, view

# What must agree for a control to be comparable; the direction itself is what differs.
PLACE = [*CONTEXT, "site", "schedule", "operator", "effect"]
NORM, DOSES, PROBLEMS = "another norm", "other doses", "other problems or seeds"
BASELINE = "the baseline"
ERRORS = "errors in half of its outcomes or more"

Array = np.ndarray[Any, Any]

# A direction is named that misses a larger share of its outcomes: as many could move its effect by
# the five points that verdicts are about. Of more than a few, the worst.
MANY, NAMED = 0.05, 3


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A candidate and its own controls of one kind, problem by problem.

    `differences` is [k + 1, doses, problems], the candidate first: accuracy over seeds minus the
    baseline's, NaN where either is missing. `low` and `high` are the accuracy if every outcome
    without a verdict were wrong, or right; the baseline cancels between directions. `missing` says
    of each direction how many of its outcomes are, where it misses most of them. `why` says why
    there is no comparison.
    """

    names: dict[str, Any]
    controls: tuple[str, ...] = ()
    alphas: Array = field(default_factory=lambda: np.zeros(0))
    differences: Array = field(default_factory=lambda: np.zeros((1, 0, 0)))
    low: Array = field(default_factory=lambda: np.zeros((1, 0, 0)))
    high: Array = field(default_factory=lambda: np.zeros((1, 0, 0)))
    left_out: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Run:
    """The outcomes of one condition on one set, by problem."""

    problems: Array
    seeds: Array
    accuracy: Array
    low: Array
    high: Array
    baseline: Array

    def same_rows(self, other: Run) -> bool:
        """Whether both have outcomes of the same problems and seeds."""
        return np.array_equal(self.problems, other.problems) and np.array_equal(
            self.seeds, other.seeds
        )

    @property
    def differences(self) -> Array:
        """Accuracy minus the baseline's of each problem, NaN where either is missing."""
        return np.asarray(self.accuracy - self.baseline)

    @property
    def mostly_known(self) -> bool:
        """Whether more than half of the problems have a pair: any two such runs share some."""
        return bool(2 * np.isnan(self.differences).sum() < len(self.problems))


@remembered
def runs(store: Source) -> dict[tuple[int, str | None], Run]:
    """Outcomes of every steered condition (by its number) and set, problems in one order."""
    table = view(store, "direction_outcomes")
    return {
        key: Run(
            problems=table["problem_no"].to_numpy()[rows],
            seeds=table["seeds"].to_numpy()[rows],
            accuracy=table["accuracy"].to_numpy(dtype=float)[rows],
            low=table["low"].to_numpy(dtype=float)[rows],
            high=table["high"].to_numpy(dtype=float)[rows],
            baseline=table["baseline"].to_numpy(dtype=float)[rows],
        )
        for key, rows in groups(table, ["condition_no", "set_name"]).items()
    }


def dose(alpha: float) -> float:
    """An alpha by which doses are matched: 0.1 · 3 and 0.3 are one dose."""
    return round(float(alpha), 9)


@remembered
def samples(store: Source) -> list[Sample]:
    """A sample per candidate curve and kind of its own controls, one without controls if none."""
    readings = opened(store)
    tested = effects(readings)
    # What a plan ended early was ended by the outcomes that would be ranked.
    tested = tested[(tested["role"] == "candidate") & ~tested[PART].astype(bool)]
    tested = tested.reset_index(drop=True)
    directions = view(readings, "named_directions")
    ids = dict(zip(directions["name"], directions["direction_id"], strict=True))
    found = []
    for value, index in groups(tested, CURVE).items():
        names = dict(zip(CURVE, value, strict=True))
        curve = tested.iloc[index]
        alphas = sorted({dose(one) for one in curve["alpha"]} - {0.0})
        names = {name: names[name] for name in PLACE} | {"candidate": names["direction"]}
        names |= {name: curve[name].iloc[0] for name in STAMPS}
        own = directions[
            (directions["role"] == "control")
            & (directions["parent_id"] == ids.get(names["candidate"]))
        ]
        if own.empty:
            found.append(Sample(names=names | {"control_kind": None}, why=_none_drawn(names)))
        for kind, rows in own.groupby("kind", sort=True):
            named = names | {"control_kind": kind}
            wrong = other_norms(readings, named, rows)
            kept = [name for name in rows["name"] if name not in wrong]
            found.append(_sample(readings, named, alphas, kept, len(wrong)))
    return found


@remembered
def condition_numbers(store: Source) -> dict[tuple[Any, ...], int]:
    """The number of each steered condition, by where it was run, direction and dose."""
    place = [name for name in PLACE if name != "set_name"]
    details = view(store, "condition_details")
    details = details[details["direction"].notna() & details["condition_no"].notna()]
    keys = details[[*place, "direction"]].itertuples(index=False, name=None)
    return {
        (*key, dose(alpha)): int(number)
        for key, alpha, number in zip(keys, details["alpha"], details["condition_no"], strict=True)
    }


def curve_of(
    readings: Readings, names: Mapping[str, Any], direction: str, alphas: list[float]
) -> dict[float, Run]:
    """What was run of a direction at a place, by dose."""
    place = tuple(names[name] for name in PLACE if name != "set_name")
    numbers, known = condition_numbers(readings), runs(readings)
    found = {}
    for alpha in alphas:
        number = numbers.get((*place, direction, alpha))
        run = known.get((number, names["set_name"])) if number is not None else None
        if run is not None:
            found[alpha] = run
    return found


def _sample(
    readings: Readings,
    names: dict[str, Any],
    alphas: list[float],
    controls: list[str],
    wrong_norm: int,
) -> Sample:
    """The sample of the controls of equal norm that were run as the candidate was."""
    left_out: dict[str, int] = {NORM: wrong_norm} if wrong_norm else {}
    if not controls:
        return Sample(names=names, left_out=left_out, why=_all_of_another_norm(names, wrong_norm))
    own = curve_of(readings, names, names["candidate"], alphas)
    curves = {name: curve_of(readings, names, name, alphas) for name in controls}
    run = {name: curve for name, curve in curves.items() if curve}
    if not run:
        return Sample(names=names, left_out=left_out, why=_not_run(names, alphas, controls))
    missing = _missing({names["candidate"]: own, **run})
    n = len(next(iter(own.values())).problems)
    own = {alpha: one for alpha, one in own.items() if one.mostly_known}
    same = {
        name: {
            alpha
            for alpha, one in curve.items()
            if alpha in own and one.same_rows(own[alpha]) and one.mostly_known
        }
        for name, curve in run.items()
    }
    kept_doses = _most_common({name: frozenset(doses) for name, doses in same.items()})
    kept = [name for name, doses in same.items() if kept_doses and kept_doses <= doses]
    for name in run:
        if name not in kept:
            broken = not all(one.mostly_known for one in run[name].values())
            what = DOSES if same[name] == set(run[name]) else ERRORS if broken else PROBLEMS
            left_out[what] = left_out.get(what, 0) + 1
    if not kept:
        why = _other_rows(names, left_out) + lacking(missing, n)
        return Sample(names=names, left_out=left_out, missing=missing, why=why)
    doses = sorted(kept_doses)
    stacked = [[curve[alpha] for alpha in doses] for curve in (own, *(run[one] for one in kept))]
    differences, low, high = (
        np.stack([[getattr(run, name) for run in curve] for curve in stacked])
        for name in ("differences", "low", "high")
    )
    return Sample(
        names=names,
        controls=tuple(kept),
        alphas=np.array(doses),
        differences=differences,
        low=low,
        high=high,
        left_out=left_out,
        missing=missing,
    )


def _most_common(doses: Mapping[str, frozenset[float]]) -> frozenset[float]:
    """The doses at which most controls were run; of equally common ones the most doses."""
    counts = Counter(doses.values())
    best = max(counts, key=lambda one: (counts[one], len(one), sorted(one)))
    return best


def _missing(curves: Mapping[str, Mapping[float, Run]]) -> dict[str, tuple[int, float]]:
    """The most outcomes that each direction misses at one dose, and which dose."""
    counts = {
        name: max((int(np.isnan(run.accuracy).sum()), alpha) for alpha, run in curve.items())
        for name, curve in curves.items()
    }
    one = next(run for curve in curves.values() for run in curve.values())
    counts[BASELINE] = int(np.isnan(one.baseline).sum()), 0.0
    return {name: most for name, most in counts.items() if most[0]}


def lacking(missing: Mapping[str, tuple[int, float]], n: int) -> str:
    """A sentence that names the directions that miss more of `n` outcomes than may not matter."""
    many = {name: most for name, most in missing.items() if most[0] > MANY * n}
    worst = sorted(many, key=lambda name: (-many[name][0], name))
    if not worst:
        return ""
    said = ", ".join(
        f"{name} lacks {many[name][0]} of {n} at α = {words.alpha(many[name][1])}"
        for name in worst[:NAMED]
    )
    more = f" and {len(worst) - NAMED} more directions lack some" if len(worst) > NAMED else ""
    return f" Outcomes are missing (errors): {said}{more}; compute them anew."


def _none_drawn(names: Mapping[str, Any]) -> str:
    return (
        f"No control directions were drawn for {names['candidate']}: `steerstat directions "
        f"controls STORE --of {names['candidate']} --number 99`, then collect them at its doses."
    )


def _all_of_another_norm(names: Mapping[str, Any], count: int) -> str:
    return (
        f"Its {words.counted(count, names['control_kind'] + ' control')} do not have its norm at "
        "every live position, so they push harder or less: `steerstat directions controls STORE "
        f"--of {names['candidate']} --number 99` draws some that do."
    )


def _not_run(names: Mapping[str, Any], alphas: list[float], controls: list[str]) -> str:
    return (
        f"Its {words.counted(len(controls), names['control_kind'] + ' control')} were not run "
        f"here: collect {controls[0]} and the others at α = {words.alphas(alphas)}."
    )


def _other_rows(names: Mapping[str, Any], left_out: Mapping[str, int]) -> str:
    said = ", ".join(f"{count} with {what}" for what, count in left_out.items())
    return (
        f"Its {names['control_kind']} controls were not run as it was ({said}): collect them at "
        "its doses on the same problems and seeds."
    )
