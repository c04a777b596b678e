"""Checks of where outcomes come from: code, models, versions, seeds and draws."""

from __future__ import annotations

from analysis import words
from analysis.audit.case import Case
from analysis.audit.check import check
from analysis.audit.finding import NotApplicable, Seen


def _runs(case: Case) -> int:
    count = len(case.view("runs"))
    if not count:
        raise NotApplicable("the store has no runs")
    return count


@check(
    "provenance/dirty",
    "Outcomes are of a run with uncommitted changes, or of one that did not end.",
    action="Commit, and run again; a run that was killed is continued by starting it again.",
    needs="outcomes",
)
def dirty(case: Case) -> Seen:
    """Runs of altered code, and runs that did not end."""
    checked, asked = _runs(case), case.ask("provenance_dirty")
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{words.counted(len(asked), 'run')} with outcomes of uncommitted code, or without "
        "an end.",
    )


@check(
    "provenance/hashes",
    "A model, or a direction, is known by its name alone: nobody can say which it was.",
    action="Record the hashes of weights, tokenizer and vectors (`steerstat model check`).",
)
def hashes(case: Case) -> Seen:
    """Models without hashes and directions without vectors."""
    checked = len(case.view("models")) + len(case.view("directions"))
    if not checked:
        raise NotApplicable("the store has neither models nor directions")
    asked = case.ask("provenance_hashes")
    first = asked.first
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{len(asked)} of {checked} models and directions are known by name alone, such as "
        f"the {first.get('what')} {first.get('name')}.",
    )


@check(
    "provenance/versions",
    "A run does not say what code and libraries made its outcomes.",
    action="Collect with `steerstat collect`, which records them, or write them down.",
    needs="outcomes",
)
def versions(case: Case) -> Seen:
    """Runs with outcomes and without versions."""
    checked, asked = _runs(case), case.ask("provenance_versions")
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{words.counted(len(asked), 'run')} with outcomes name no code or no libraries.",
    )


@check(
    "provenance/unseeded",
    "Something was drawn at random without a seed that says how.",
    action="Draw it again with a seed (`--seed`), so that it can be drawn a second time.",
)
def unseeded(case: Case) -> Seen:
    """Sampled runs and random directions without a seed."""
    checked = _runs(case) + len(case.view("directions"))
    asked = case.ask("provenance_unseeded")
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{len(asked)} runs or directions were drawn without a seed.",
    )


@check(
    "provenance/one_sample",
    "Answers were sampled once: what holds of this draw need not hold of the next.",
    action="Sample several seeds a problem (`--seeds 0:4`), or decode greedily.",
    needs="outcomes",
)
def one_sample(case: Case) -> Seen:
    """Sampled conditions of a single seed."""
    details = case.view("condition_details")
    checked = int(details["condition_no"].notna().sum())
    if not checked:
        raise NotApplicable("the store has no outcomes")
    asked = case.ask("provenance_one_sample")
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{words.counted(len(asked), 'sampled condition')} with one draw of each problem.",
        least="weakens",
    )
