"""Checks of outcomes: all there, graded alike, against the right baseline, and not all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis import tables, words
from analysis.audit.case import Case, fields, records
from analysis.audit.check import check
from analysis.audit.copies import Edit
from analysis.audit.finding import CouldNotRun, NotApplicable, Seen
from analysis.tables.base import CURVE, groups
from analysis.vocabulary import SIGNIFICANCE

# A query that lists more outcomes than these by name is none that anybody reads.
MOST_SHOWN = 200
_UNIT = ("condition_id", "problem_id", "seed")


def _conditions(case: Case, *, steered: bool = True) -> int:
    """Conditions with outcomes. Raises NotApplicable where there is none."""
    details = case.view("condition_details")
    run = details["condition_no"].notna()
    count = int((run & details["direction_id"].notna()).sum() if steered else run.sum())
    if not count:
        raise NotApplicable("nothing was steered" if steered else "the store has no outcomes")
    return count


def _at(row: dict[str, Any]) -> str:
    """A condition in words."""
    if row.get("direction") is None:
        return f"the {row.get('protocol')} baseline"
    return f"{row['direction']} at α = {words.alpha(float(row['alpha']))}"


@check(
    "outcomes/grid",
    "Outcomes are missing of what was planned: problems of a set, doses or directions of a plan.",
    action="Collect the rest (`steerstat collect` computes only what is not there).",
    needs="outcomes",
)
def grid(case: Case) -> Seen:
    """Sets that were covered in part, and doses of a plan that were not run."""
    checked = _conditions(case)
    asked, lost = case.ask("outcomes_grid"), case.ask("outcomes_unusable_entries")
    planned = _not_run(case)
    missing = int((asked.rows["size"] - asked.rows["n"]).sum()) if len(asked) else 0
    parts = [one for one in (asked.rows, planned, lost.rows) if len(one)]
    rows = pd.concat(parts, ignore_index=True) if parts else asked.rows
    said = []
    if len(asked):
        first = asked.first
        said.append(
            f"{words.counted(len(asked), 'condition')} cover a part of a set ({missing} outcomes "
            f"are missing; {_at(first)} has {first['n']} of {first['size']})"
        )
    if len(lost):
        first = lost.first
        said.append(
            f"{int(lost.rows['unusable'].sum())} entries of imported files could not be used "
            f"({first['command']}: {first['unusable']} of {first['entries']})"
        )
    if len(planned):
        first = records(planned)[0]
        said.append(f"{len(planned)} planned doses were not run, such as {_at(first)}")
    return Seen(
        checked=checked + len(planned) + len(lost),
        rows=rows,
        sql=asked.sql if len(asked) or not len(lost) else lost.sql,
        said=f"{'; '.join(said)}.",
        least="weakens",
    )


def _not_run(case: Case) -> pd.DataFrame:
    """Directions and doses that the current plan names and that have no outcomes on its set."""
    from analysis.audit.plans import frozen

    accuracy = case.view("accuracy_by_alpha")
    run = {
        (row["direction"], row["set_name"], round(float(row["alpha"]), 9))
        for row in records(accuracy)
    }
    wanted: list[dict[str, Any]] = [
        {"direction": contrast.direction, "set_name": contrast.set or plan.plan.set, "alpha": alpha}
        for plan in frozen(case)
        if plan.superseded is None
        for contrast in plan.plan.contrast
        for alpha in plan.plan.doses(contrast)
        if alpha
    ]
    return pd.DataFrame(
        [
            row
            for row in wanted
            if (row["direction"], row["set_name"], round(float(row["alpha"]), 9)) not in run
        ]
    )


@check(
    "outcomes/missing_depends_on_alpha",
    "Unreadable or missing answers become more with the dose.",
    action="Read the bounds beside the effect; allow longer answers, or grade them by hand.",
    reference="Mantel's test of trend; docs/statistics.md, missing answers.",
    needs="outcomes",
)
def missing_depends_on_alpha(case: Case) -> Seen:
    """Candidates of whose answers fewer are read at larger doses."""
    rows = tables.missingness(case.readings)
    if rows.empty:
        raise NotApplicable("no candidate was tested")
    curves = groups(rows, CURVE)
    told = {
        key: rows.iloc[index]
        for key, index in curves.items()
        if rows.iloc[index]["p_trend"].iloc[0] <= SIGNIFICANCE / len(curves)
    }
    asked = case.ask("outcomes_missing_depends_on_alpha")
    names = {row["direction"].iloc[0] for row in told.values()}
    found = asked.rows[asked.rows["direction"].isin(names)] if names else asked.rows[:0]
    gap, said = _complete_gap(case, names)
    worst = max(told.values(), key=lambda one: float(one["unreadable"].max()), default=None)
    return Seen(
        checked=len(curves),
        rows=found,
        sql=asked.sql,
        affected=len(told),
        said=""
        if worst is None
        else f"{words.percent(worst['unreadable'].max())} of the answers under "
        f"{worst['direction'].iloc[0]} cannot be read at some dose, "
        f"{words.percent(worst['unreadable'].min())} at another "
        f"(trend {words.p_is(worst['p_trend'].iloc[0])}).{said}",
        least="biases" if abs(gap) >= 0.0005 else "weakens",
        quantity="effect of complete cases less the primary effect",
        estimate=gap if told else None,
    )


def _complete_gap(case: Case, names: set[str]) -> tuple[float, str]:
    """The largest difference of the effect where only answers that were read count."""
    effects = tables.effects(case.readings)
    effects = effects[effects["direction"].isin(names)].reset_index(drop=True)
    gaps = (effects["complete_estimate"] - effects["estimate"]).to_numpy(dtype=float)
    if not len(gaps) or np.isnan(gaps).all():
        return 0.0, ""
    at = int(np.nanargmax(np.abs(gaps)))
    row = effects.iloc[at]
    return float(gaps[at]), (
        f" Of the answers that were read the effect at α = {words.alpha(row['alpha'])} is "
        f"{words.points(row['complete_estimate'])} points, and {words.points(row['estimate'])} of "
        "all; every reading of the rest lies within "
        f"{words.interval(row['effect_low'], row['effect_high'])}."
    )


@check(
    "outcomes/errors_as_wrong",
    "Outcomes are wrong although nothing was answered: failures were counted as answers.",
    action="Import them again with their status (`error`); what failed is missing, not wrong.",
    needs="outcomes",
)
def errors_as_wrong(case: Case) -> Seen:
    """Empty texts that are graded as wrong."""
    asked = case.ask("outcomes_errors_as_wrong")
    _conditions(case, steered=False)
    return Seen(
        checked=int(case.view("accuracy_by_alpha")["n"].sum()),
        rows=asked.rows,
        sql=asked.sql,
        said=f"{words.counted(len(asked), 'outcome')} with an empty text "
        f"{'is' if len(asked) == 1 else 'are'} graded as wrong.",
        edit=Edit(graded=_graded(asked.rows, "error", None)),
    )


def _graded(rows: pd.DataFrame, status: str, correct: bool | None) -> list[dict[str, Any]]:
    """The outcomes of rows with another status and verdict."""
    keys = records(rows[list(_UNIT)]) if len(rows) else []
    return [{**row, "status": status, "correct": correct} for row in keys]


@check(
    "outcomes/baseline_elsewhere",
    "The baseline is of another dtype, library or machine, or there is none.",
    action="Collect the baseline with the same model, dtype and libraries, in the same sweep.",
    needs="outcomes",
)
def baseline_elsewhere(case: Case) -> Seen:
    """Steered conditions without a baseline of their own."""
    checked, asked = _conditions(case), case.ask("outcomes_baseline_elsewhere")
    none = int(asked.rows["baseline_id"].isna().sum()) if len(asked) else 0
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{none} steered conditions have no baseline of their model, protocol, decoding and "
        f"dtype, and {len(asked) - none} more one that other libraries or another machine made.",
        least="weakens",
        edit=Edit(conditions=asked.column("condition_id") if len(asked) else ()),
        unknown=none > 0,
    )


@check(
    "outcomes/zero_is_not_baseline",
    "A direction at dose 0 answers otherwise than the baseline: something else differs.",
    action="Find what (batch, cache, hook) before reading any dose.",
    needs="outcomes",
)
def zero_is_not_baseline(case: Case) -> Seen:
    """Outcomes at dose 0 that are not the baseline's."""
    details = case.view("condition_details")
    zero = details[
        details["direction_id"].notna() & (details["alpha"] == 0) & details["condition_no"].notna()
    ]
    if zero.empty:
        raise NotApplicable("dose 0 was not run apart from the baseline")
    asked = case.ask("outcomes_zero_is_not_baseline")
    names = sorted(set(asked.rows.get("direction", ())))
    ids = details[details["direction"].isin(names)]["direction_id"].unique().tolist()
    return Seen(
        checked=len(zero),
        rows=asked.rows,
        sql=asked.sql,
        said=f"{words.counted(len(asked), 'outcome')} at dose 0 of {', '.join(names)} differ from "
        "the baseline, from which that dose adds nothing.",
        least="weakens",
        edit=Edit(directions=ids),
        unknown=True,
    )


@check(
    "outcomes/no_op",
    "Conditions that differ gave the very same outputs: nothing was steered, or one was copied.",
    action="Check that the hook is on and that the files are those of their conditions.",
    needs="outcomes",
)
def no_op(case: Case) -> Seen:
    """Conditions that share every output."""
    checked, asked = _conditions(case), case.ask("outcomes_no_op")
    like = int(asked.rows["is_baseline"].sum()) if len(asked) else 0
    told = "; ".join(_at(row) for row in asked.records[:3])
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"Of {words.counted(len(asked), 'condition')} every output is that of another, of "
        f"{like} that of the baseline ({told}).",
        least="weakens",
        edit=Edit(conditions=asked.column("condition_id") if len(asked) else ()),
    )


@check(
    "outcomes/scorer_changed",
    "The answer parser or its version changed within a setting.",
    action="Grade all with one version (`steerstat store reparse` lists what would change).",
    needs="outcomes",
)
def scorer_changed(case: Case) -> Seen:
    """Conditions of one setting that were graded by different parsers."""
    checked, asked = _conditions(case, steered=False), case.ask("outcomes_scorer_changed")
    versions = sorted({f"{row['parser']} {row['version']}" for row in asked.records})
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{len(asked)} conditions of one setting were graded by {', '.join(versions)}.",
        least="weakens",
    )


@check(
    "outcomes/reparse",
    "Parsing the stored text again gives another answer or verdict than the stored one.",
    action="Grade the outcomes again, and see who changed them (`steerstat store check`).",
    reference="docs/answers.md",
    needs="outcomes",
)
def reparse(case: Case) -> Seen:
    """Outcomes that are read otherwise than they are stored."""
    from store.reparse import reread

    told, changed = 0, []
    protocols: dict[str, dict[str, Any]] = {}
    for row in case.ask("outcomes_reparse_texts").records:
        text = row["protocol_fields"] or ""
        found = reread(row, protocols.setdefault(text, fields(text)), row["gold"])
        told += 0 if found is None else row["n"]
        if found is not None and found != (row["answer"], row["correct"]):
            grade = {"status": "ok" if found[1] is not None else "parse_fail", "correct": found[1]}
            changed += [dict(zip(_UNIT, _unit(one), strict=True)) | grade for one in row["units"]]
    if not told:
        raise CouldNotRun("no outcome has a text and a parser that reads it again")
    keys = [" ".join(str(row[name]) for name in _UNIT) for row in changed]
    shown = case.ask("outcomes_reparse", ids=keys[:MOST_SHOWN])
    return Seen(
        checked=told,
        rows=pd.DataFrame(changed),
        sql=shown.sql,
        said=f"{words.counted(len(changed), 'outcome')} of {told} would be graded otherwise from "
        "the stored text.",
        edit=Edit(graded=changed),
    )


def _unit(text: str) -> tuple[str, str, int]:
    condition, problem, seed = text.split(" ")
    return condition, problem, int(seed)


@check(
    "outcomes/ceiling",
    "The baseline of a test set is so near 0 or 1 that there is no room to move.",
    action="Test on problems of middling difficulty; absence of a gain says nothing here.",
    needs="outcomes",
)
def ceiling(case: Case) -> Seen:
    """Baselines at floor or ceiling."""
    accuracy = case.view("accuracy_by_alpha")
    based = accuracy[accuracy["direction"].isna() & accuracy["set_name"].notna()]
    if based.empty:
        raise NotApplicable("no test set has a baseline")
    asked = case.ask("outcomes_ceiling")
    first = asked.first
    return Seen(
        checked=len(based),
        rows=asked.rows,
        sql=asked.sql,
        said=f"The baseline of {first.get('set_name')} is {first.get('n_correct')} of "
        f"{first.get('n')} right.",
        least="weakens",
        quantity="baseline accuracy",
        estimate=first.get("accuracy"),
    )


@check(
    "outcomes/truncated",
    "Answers ran into the token limit.",
    action="Raise the limit (`--max-new-tokens`) and collect again, or report the bounds.",
    needs="outcomes",
)
def truncated(case: Case) -> Seen:
    """Conditions with 5 % or more of cut answers."""
    checked, asked = _conditions(case, steered=False), case.ask("outcomes_truncated")
    first = asked.first
    names = {name for name in asked.rows.get("direction", ()) if name is not None}
    gap, said = _complete_gap(case, names) if names else (0.0, "")
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{first.get('truncated')} of {first.get('n')} answers of {_at(first)} were cut off; "
        f"so were 5 % or more of {max(len(asked) - 1, 0)} more conditions.{said}"
        if first
        else "",
        least="biases" if abs(gap) >= 0.0005 else "weakens",
        quantity="effect of complete cases less the primary effect",
        estimate=gap if names else None,
    )
