"""Checks of control directions: enough of them, of the same norm, run and searched as they must."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis import tables, words
from analysis.audit.case import Case
from analysis.audit.check import check
from analysis.audit.finding import NotApplicable, Seen
from analysis.tables.base import groups
from analysis.tables.live_norms import SAME_NORM, dead_positions
from analysis.vocabulary import ONE_SIDED_SIGNIFICANCE, SIGNIFICANCE

FEW_FOR_NORMALITY = 8


def _controls(case: Case) -> int:
    directions = case.view("directions")
    owned = (
        (directions["role"] == "control") & directions["parent_id"].notna()
        if len(directions)
        else np.zeros(0)
    )
    if not owned.any():
        raise NotApplicable("no control directions were drawn for a candidate")
    return int(owned.sum())


@check(
    "controls/too_few",
    "So few controls that no rank among them can reach its level in its family.",
    action="Draw as many as are needed (`steerstat directions controls`) and collect them.",
    reference="A rank is never below 1/(k + 1); Holm over m candidates needs k of m/.025 − 1.",
)
def too_few(case: Case) -> Seen:
    """Candidates whose controls are fewer than the level needs."""
    from analysis.statistics.controls import controls_needed

    _controls(case)
    compared = tables.beyond_controls(case.readings)
    needed: dict[str, int] = {}
    for name, count in zip(compared["candidate"], compared["controls_needed"], strict=True):
        needed[name] = max(needed.get(name, 0), int(count))
    alone = controls_needed(ONE_SIDED_SIGNIFICANCE, tail="greater")
    asked = case.ask("controls_too_few", needed=max([alone, *needed.values()]))
    found = asked.where([row["k"] < needed.get(row["candidate"], alone) for row in asked.records])
    first = found.first
    k, wanted = first.get("k", 0), needed.get(first.get("candidate", ""), alone)
    return Seen(
        checked=len(case.view("directions").query("role == 'control'")["parent_id"].unique()),
        rows=found.rows,
        sql=found.sql,
        said=f"{first.get('candidate')} has {k} {first.get('control_kind')} controls of "
        f"its own: no rank among them is below 1/{k + 1}, and its level needs {wanted}.",
        least="weakens",
        quantity="smallest p that a rank can have",
        estimate=1 / (k + 1) if len(found) else None,
    )


@check(
    "controls/norm",
    "Controls have another norm than their candidate at positions that change something.",
    action="Draw `random_per_position` controls: equal in total norm is not equal in push.",
)
def norm(case: Case) -> Seen:
    """Controls of another norm at a live position."""
    checked = _controls(case)
    asked = case.ask("controls_norm", tolerance=SAME_NORM)
    details = case.view("condition_details")
    steered = details[details["direction_id"].notna()]
    run_as = steered.groupby("direction_id")["protocol"].agg(set).to_dict() if len(steered) else {}
    live = [
        not all(
            row["place"] in dead_positions(case.readings, name)
            for name in run_as.get(row["candidate_id"], {""})
        )
        for row in asked.records
    ]
    found = asked.where(live)
    count = len(set(found.rows.get("direction_id", ())))
    first = found.first
    return Seen(
        checked=checked,
        rows=found.rows,
        sql=found.sql,
        affected=count,
        said=f"{words.counted(count, 'control')} push harder or less than the candidate: "
        f"{first.get('control')} has norm {first.get('norm') or 0:.3g} at {first.get('place')}, "
        f"{first.get('candidate')} {first.get('wanted') or 0:.3g}.",
        least="weakens",
    )


@check(
    "controls/elsewhere",
    "Controls were run on other problems, doses, seeds, or under another protocol.",
    action="Collect them at the candidate's doses, on its problems and seeds.",
    needs="outcomes",
)
def elsewhere(case: Case) -> Seen:
    """Conditions of controls that have no counterpart of the candidate."""
    _controls(case)
    accuracy = case.view("accuracy_by_alpha")
    checked = int((accuracy["role"] == "control").sum())
    if not checked:
        raise NotApplicable("no control was run")
    asked = case.ask("controls_elsewhere")
    first = asked.first
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{words.counted(len(asked), 'condition')} of controls have no counterpart of the "
        f"candidate: {first.get('control')} at α = {first.get('alpha')} on "
        f"{first.get('set_name')} ({first.get('n')} outcomes).",
        least="weakens",
    )


@check(
    "controls/not_searched",
    "The candidate's best dose is one at which none of its controls was run.",
    action="Run controls at every dose that the candidate was searched over.",
    reference="docs/statistics.md: a best dose is compared with controls searched alike.",
    needs="outcomes",
)
def not_searched(case: Case) -> Seen:
    """Candidates whose strongest dose lies where no control was run."""
    _controls(case)
    asked = case.ask("controls_not_searched")
    best = {
        (stand.direction, stand.set_name, stand.protocol, stand.alpha)
        for stand in case.headline.stands.values()
    }
    if not best:
        raise NotApplicable("no candidate was tested")
    found = asked.where(
        [
            (row["candidate"], row["set_name"], row["protocol"], row["alpha"]) in best
            for row in asked.records
        ]
    )
    first = found.first
    return Seen(
        checked=len(best),
        rows=found.rows,
        sql=found.sql,
        said=f"{first.get('candidate')} is strongest at α = "
        f"{words.alpha(float(first.get('alpha') or 0))}, where none of its controls was run"
        + (f"; so are {len(found) - 1} more." if len(found) > 1 else "."),
        least="weakens",
    )


@check(
    "controls/one_sided",
    "Controls were run at doses of one sign, or at one dose alone.",
    action="Run them at +α and −α: without both nothing says that the sign of the push matters.",
    needs="outcomes",
)
def one_sided(case: Case) -> Seen:
    """Candidates whose controls lack a sign."""
    checked = _controls(case)
    if not (case.view("accuracy_by_alpha")["role"] == "control").any():
        raise NotApplicable("no control was run")
    asked = case.ask("controls_one_sided")
    first = asked.first
    doses = words.alphas(list(first["doses"])) if first else ""
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"The {first.get('control_kind')} controls of {first.get('candidate')} were run at "
        f"α = {doses} alone.",
        least="weakens",
    )


@check(
    "controls/not_exchangeable",
    "Skewed, outlying or correlated controls: a p from normal theory is not to be believed.",
    action="Read the rank among them instead; draw them independently.",
    reference="Shapiro and Wilk (1965), Holm over doses; docs/statistics.md, controls.",
    needs="outcomes",
)
def not_exchangeable(case: Case) -> Seen:
    """Samples of controls that are far from normal, or do the same to the same problems."""
    asked = case.ask("controls_not_exchangeable")
    samples = {
        key: asked.rows.iloc[index]
        for key, index in groups(
            asked.rows, ["candidate", "set_name", "protocol", "kind", "alpha"]
        ).items()
        if len(index) >= FEW_FOR_NORMALITY
    }
    if not samples:
        raise NotApplicable(f"no candidate has {FEW_FOR_NORMALITY} controls at a dose")
    odd = _not_normal(samples)
    compared = tables.beyond_controls(case.readings)
    alike = compared[compared["status"] == "correlated_controls"]
    told = [
        f"{words.counted(len(samples[key]), 'control')} of {key[0]} at α = {words.alpha(key[4])} "
        f"are not normal (Shapiro–Wilk, corrected {words.p_is(p)})"
        for key, p in sorted(odd.items(), key=lambda item: item[1])
    ]
    told += [f"controls of {name} do the same to the same problems" for name in alike["candidate"]]
    first = min(odd, key=lambda key: odd[key], default=None)
    named = {} if first is None else {"candidate": first[0], "alpha": float(first[4])}
    rows = [samples[key] for key in odd]
    return Seen(
        checked=len(samples),
        rows=pd.concat([*rows, alike]) if rows or len(alike) else asked.rows[:0],
        sql=case.ask("controls_not_exchangeable", **named).sql,
        affected=len(odd) + len(alike),
        said=f"{'; '.join(told[:2])}.",
        least="weakens",
    )


def _not_normal(samples: dict[tuple[Any, ...], pd.DataFrame]) -> dict[tuple[Any, ...], float]:
    """Corrected p of the samples that are not normal."""
    from analysis.statistics.families import adjust
    from analysis.statistics.over_doses import normality

    found = {
        key: p
        for key, rows in samples.items()
        if (p := normality(rows["estimate"].to_numpy(dtype=float))) is not None
    }
    if not found:
        return {}
    size = len(samples)
    adjusted = np.asarray(adjust(list(found.values()), method="holm", family_size=size).p)
    return {key: float(p) for key, p in zip(found, adjusted, strict=True) if p <= SIGNIFICANCE}
