"""What the explorer of the page needs, and nothing else: results per dose, one letter per outcome.

Every number that it shows is computed and rounded here; the page's script looks them up. The one
exception is a selection of problems by hand, where the script counts letters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis import tables, words
from analysis.tables.base import CONTEXT, STEERING, groups, matching
from analysis.tables.problems import Curve, candidate_curves
from analysis.tables.readings import Readings, Source, opened
from analysis.tables.series import Section, named_sections, with_series
from sql.errors import Refusal

MOST_PROBLEMS = 2_000
"""Of a larger set no single problem is inlined; what is shown of it then are the strata."""

MOST_LETTERS = 1_000_000
ID_LENGTH = 12
RIGHT, GAINED, LOST, WRONG, MISSING = "RGLW-"
DIGITS = 4
SEQUENCE = "confidence sequence"


def explorer(store: Source) -> dict[str, Any]:
    """One entry of `contexts` per problem set and protocol; see the functions below for its parts.

    Only what a store holds of candidates and controls is in it: a few bytes per direction and
    dose, and one per candidate, dose and problem of sets of at most `MOST_PROBLEMS`.
    """
    readings = opened(store)
    try:
        contexts = _contexts(readings)
    except Refusal:  # of a statistic; the report says why
        contexts = []
    return {"store": str(readings.path), "contexts": contexts}


def _contexts(readings: Readings) -> list[dict[str, Any]]:
    effects = tables.effects(readings)
    curves = candidate_curves(readings)
    contexts = []
    for section in named_sections(readings):
        rows = matching(effects, section.context)
        if (rows["role"] == "candidate").any():
            contexts.append(_context(readings, section, rows, curves))
    return contexts


def _context(
    store: Source, section: Section, effects: pd.DataFrame, curves: list[Curve]
) -> dict[str, Any]:
    """One section: directions, strata, results, band and problems."""
    context = section.context
    strata = matching(tables.strata(store), context)
    band = matching(tables.control_band(store), context)
    complete = [c for c in curves if all(c.names[name] == context[name] for name in CONTEXT)]
    shown = complete if _fits(complete) else []
    order = _difficulty(shown)
    return {
        "label": section.where,
        "names": {name: context[name] for name in ("set_name", "protocol", "model", "dtype")},
        "baseline": context["baseline_id"],
        "selected": section.selected,
        "strata": _strata(strata),
        "problems": _problems(shown, order),
        "directions": [
            _direction(steering, table, strata, band, shown, order)
            for steering, table in _by_direction(with_series(effects, section))
        ],
    }


def _by_direction(effects: pd.DataFrame) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    """The rows of each direction and way of steering, candidates first."""
    parts = [
        (dict(zip(STEERING, value, strict=True)), effects.iloc[index])
        for value, index in groups(effects, STEERING).items()
    ]
    return sorted(parts, key=lambda part: part[1]["role"].iloc[0] != "candidate")


def _direction(
    steering: dict[str, Any],
    effects: pd.DataFrame,
    strata: pd.DataFrame,
    band: pd.DataFrame,
    curves: list[Curve],
    order: np.ndarray,
) -> dict[str, Any]:
    """One direction: its results by stratum ("" is the whole set), its controls, its problems."""
    of_direction = matching(strata, steering)
    results = {"": _results(effects)}
    for level in dict.fromkeys(of_direction["stratum"]):
        results[str(level)] = _results(of_direction[of_direction["stratum"] == level])
    way = {name: value for name, value in steering.items() if name != "direction"}
    curve = [c for c in curves if all(c.names[name] == v for name, v in steering.items())]
    return {
        "names": steering,
        "label": str(effects["series"].iloc[0])
        + ("" if effects["role"].iloc[0] == "candidate" else ", control"),
        "results": results,
        "band": [
            [row["alpha"], *(round(row[f"accuracy_{end}"], DIGITS) for end in ("low", "high")),
             int(row["k"]), row["label"]]
            for row in matching(band, way).to_dict("records")
        ],
        "letters": _letters(curve[0], order) if curve else {},
    }  # fmt: skip


def _results(rows: pd.DataFrame) -> list[list[Any]]:
    """One list per dose: numbers to draw, then the texts that are read.

    alpha; accuracy, its low and high, baseline; pairs, gained, lost, unreadable; then as text
    accuracy, baseline, difference, interval, p, corrected p.
    """
    doses = []
    for row in rows.sort_values("alpha").to_dict("records"):
        ended = "" if row["stop"] is None else tables.stop_words(row)
        drawn = ("accuracy", "accuracy_low", "accuracy_high", "baseline_accuracy")
        doses.append(
            [
                row["alpha"],
                *(None if pd.isna(row[name]) else round(row[name], DIGITS) for name in drawn),
                *(int(row[name]) for name in ("n", "gained", "lost", "n_unreadable")),
                words.percent(row["accuracy"]),
                words.percent(row["baseline_accuracy"]),
                words.points(row["estimate"]),
                words.interval(row["low"], row["high"]) + (f" ({SEQUENCE})" if ended else ""),
                words.p_value(row["p"]) + (f" (at any look; {ended})" if ended else ""),
                words.p_value(row["p_adjusted"]),
            ]
        )
    return doses


def _strata(strata: pd.DataFrame) -> list[list[str]]:
    """Scheme, level and label of each stratum."""
    named = strata.drop_duplicates(["scheme", "stratum"])
    columns = ["scheme", "stratum", "stratum_label"]
    return [[str(row[name]) for name in columns] for row in named.to_dict("records")]


def _fits(curves: list[Curve]) -> bool:
    """Whether single problems may be inlined: not too many, the same ones, one outcome each."""
    if not curves or any(curve.seeds > 1 for curve in curves):
        return False
    first = curves[0].problems["problem_id"]
    letters = sum(curve.outcomes.size for curve in curves)
    same = all(first.equals(curve.problems["problem_id"]) for curve in curves)
    return same and len(first) <= MOST_PROBLEMS and letters <= MOST_LETTERS


def _difficulty(curves: list[Curve]) -> np.ndarray:
    """Order of the problems: by steps, then right ones first, then by how often they are right."""
    if not curves:
        return np.array([], dtype=int)
    steps = curves[0].problems["n_steps"].to_numpy(dtype=float)
    often = sum(np.nansum(curve.outcomes, axis=1) for curve in curves)
    return np.lexsort((-np.asarray(often), -np.nan_to_num(curves[0].baseline), steps))


def _problems(curves: list[Curve], order: np.ndarray) -> list[list[Any]]:
    """Start of the id, question and number of steps of each problem, in order of difficulty."""
    if not curves:
        return []
    kept = curves[0].problems.iloc[order]
    return [
        [row["problem_id"][:ID_LENGTH], row["question"], str(row["n_steps"]).removesuffix(".0")]
        for row in kept.to_dict("records")
    ]


def _letters(curve: Curve, order: np.ndarray) -> dict[str, str]:
    """Dose -> one letter per problem: right and wrong as before, gained, lost, missing."""
    base = curve.baseline[order]
    by_dose = {}
    for j, alpha in enumerate(curve.alphas):
        now = curve.outcomes[order, j]
        kinds = [
            np.isnan(now) | np.isnan(base),
            (now == 1) & (base == 1),
            (now == 1),
            (base == 1),
        ]
        letters = np.select(kinds, [MISSING, RIGHT, GAINED, LOST], WRONG)
        by_dose[f"{alpha:g}"] = "".join(letters)
    return by_dose
