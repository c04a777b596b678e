"""A store in brief: one plain sentence per direction and set, and the answers to three questions.

Did accuracy move? More than under pushes of the same norm along directions that mean nothing? Does
the sign of the push matter? The rules are those of `verdicts`; nothing is tested here.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis import tables, words
from analysis.plans import EXPLORATORY
from analysis.report.verdicts import (
    MARGIN,
    NOT_SUPPORTED,
    SUPPORTED,
    store_verdicts,
    verdicts,
)
from analysis.tables.base import CURVE, groups, matching
from analysis.tables.beyond import CLAIMS
from analysis.tables.own_controls import PLACE
from analysis.tables.readings import Source, opened
from analysis.tables.series import labelled
from analysis.tables.stops import stop_words
from analysis.vocabulary import ONE_SIDED_SIGNIFICANCE, SIGNIFICANCE
from sql.errors import Refusal
from sql.printable import one_line

QUESTIONS = ("moved?", "more than its controls?", "does the sign matter?")
WIDTH = 79
CANNOT_BE_SAID = "cannot be said"

Answer = tuple[str, str]
"""A short answer, and why."""


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What one curve (one direction, run in one way on one set) comes to."""

    title: str
    """The direction and the set, and whatever else tells the curve from the others."""
    sentence: str
    """What the push does, and what that shows."""
    answers: tuple[tuple[str, str], ...]
    """Of each of `QUESTIONS`: yes, no or not shown …, and why."""
    verdicts: Mapping[str, str]
    """The verdict on each claim."""
    selected: bool
    """Whether the set was selected on the outcome."""
    place: Mapping[str, Any]
    """What names the curve, by column."""
    stamp: str = EXPLORATORY
    """That of its verdicts."""


def briefs(store: Source) -> list[Brief]:
    """Every candidate's curve in brief, in the order of the verdicts.

    Raises:
        Refusal: a statistic that a verdict rests on cannot be computed of this store.
    """
    readings = opened(store)
    made = briefs_of(
        labelled(tables.effects(readings), readings),
        tables.beyond_controls(readings),
        tables.controls(readings),
    )
    stamps = {(v.place, v.claim): v.stamp for v in store_verdicts(readings)}
    return [_stamped(one, stamps) for one in made]


def _stamped(one: Brief, stamps: Mapping[tuple[Any, str], str]) -> Brief:
    """The brief with the stamp that its verdicts have, if they have one in common."""
    own = {stamps[tuple(one.place.items()), claim] for claim in one.verdicts}
    return replace(one, stamp=own.pop() if len(own) == 1 else EXPLORATORY)


def briefs_of(effects: pd.DataFrame, beyond: pd.DataFrame, controls: pd.DataFrame) -> list[Brief]:
    """The same from the tables `effects`, `beyond_controls` and `controls`.

    `effects` may have `series` and `where`, as `analysis.tables.series.labelled` adds them.
    """
    if "series" not in effects:
        effects = effects.assign(series=effects["direction"], where=effects["set_name"])
    on_claims: dict[tuple[Any, ...], dict[str, str]] = {}
    for one in verdicts(effects, beyond):
        names = dict(one.place)
        key = tuple(names[name] for name in CURVE)
        on_claims.setdefault(key, {})[one.claim] = one.verdict
    candidates = effects[effects["role"] == "candidate"].reset_index(drop=True)
    curves = groups(candidates, CURVE)
    return [
        _brief(
            beyond,
            controls,
            dict(zip(CURVE, key, strict=True)),
            candidates.iloc[curves[key]],
            own,
        )
        for key, own in on_claims.items()
    ]


def _brief(
    beyond: pd.DataFrame,
    controls: pd.DataFrame,
    names: Mapping[str, Any],
    curve: pd.DataFrame,
    own: Mapping[str, str],
) -> Brief:
    place, direction = {name: names[name] for name in PLACE}, names["direction"]
    series, where = curve["series"].iloc[0], curve["where"].iloc[0]
    among = matching(beyond[beyond["candidate"] == direction], place)
    of_effect = (controls["candidate"] == direction) & (controls["quantity"] == "effect")
    moved = curve[curve["p_adjusted"] <= SIGNIFICANCE]
    ranked = [
        among[among["claim"] == claim]
        for claim, sign in CLAIMS.items()
        if ((moved["alpha"] * sign > 0) & (moved["estimate"] * sign > 0)).any()
    ]
    asked = bool(len(moved))
    more = _among_controls(ranked, ["p_effect"], asked=asked)
    signed = _among_controls(ranked, ["p_signed", "p_share"], asked=asked)
    if signed == more and more[0] == CANNOT_BE_SAID:
        signed = more[0], "for the same reason"
    answers = (_whether_moved(curve, moved), more, signed)
    does = _what_it_does(moved) + _beside(moved, matching(controls[of_effect], place))
    said = [f"Pushing along {series} {does}.", _what_follows(curve, answers, own)]
    return Brief(
        title=one_line(f"{series} on the {where}"),
        sentence=one_line(" ".join(said)),
        answers=answers,
        verdicts=own,
        selected=bool(curve["selected_on_outcome"].any()),
        place=names,
    )


def _whether_moved(curve: pd.DataFrame, moved: pd.DataFrame) -> Answer:
    if moved.empty:
        low, high = float(curve["low"].min()), float(curve["high"].max())
        return "not shown", (
            f"at none of {words.counted(len(curve), 'dose')}; the intervals reach from "
            f"{words.points(low)} to {words.points(high)} points"
        )
    top = _largest(moved)
    ended = f"; {stop_words(top)}" if isinstance(top.get("stop"), str) else ""
    return "yes", (
        f"at {len(moved)} of {words.counted(len(curve), 'dose')}; most at α = "
        f"{words.alpha(top['alpha'])}, {words.points(top['estimate'])} points "
        f"{words.interval(top['low'], top['high'])} on {words.counted(int(top['n']), 'problem')}, "
        f"corrected {words.p_is(top['p_adjusted'])}{ended}"
    )


def _among_controls(ranked: Sequence[pd.DataFrame], names: list[str], *, asked: bool) -> Answer:
    """The answer of some of the three ranks, for the claim that they favour most.

    Every kind of control has to be beaten, so of several kinds the largest p counts.
    """
    if not asked:
        return "not asked", "accuracy did not move"
    if not ranked:
        return "not asked", "accuracy moved against both claims alone: the sign is the other one"
    best: tuple[float, str] | None = None
    why = "it has no control directions of its own"
    for rows in ranked:
        run = rows[rows["k"] > 0]
        p = run[names].to_numpy(dtype=float)
        if not p.size or np.isnan(p).any() or not (run["status"] == "ok").all():
            why = next((str(row) for row in rows["why"] if row), why)
            continue
        found = float(p.max())
        if best is None or found < best[0]:
            kinds = " and ".join(
                words.counted(int(row["k"]), f"{row['control_kind']} control")
                for row in run.to_dict("records")
            )
            best = found, f"rank {words.p_is(found)} among {kinds}"
    if best is None:
        return CANNOT_BE_SAID, why
    return ("yes" if best[0] <= ONE_SIDED_SIGNIFICANCE else "not shown"), best[1]


def _what_it_does(moved: pd.DataFrame) -> str:
    if moved.empty:
        return "moves accuracy at no dose beyond chance"
    sides = {
        sign: {
            "raises" if estimate > 0 else "lowers"
            for estimate in moved.loc[moved["alpha"] * sign > 0, "estimate"]
        }
        for sign in (1, -1)
    }
    top = _largest(moved)
    most = f"at α = {words.alpha(top['alpha'])} by {words.points(top['estimate'])} points"
    if sides[1] == sides[-1] and len(sides[1]) == 1:
        return f"{sides[1].pop()} accuracy in either direction, most {most}"
    parts = [
        f"{' and '.join(sorted(sides[sign]))} accuracy at {name} doses"
        for sign, name in ((1, "positive"), (-1, "negative"))
        if sides[sign]
    ]
    return f"{' and '.join(parts)}, most {most}"


def _beside(moved: pd.DataFrame, controls: pd.DataFrame) -> str:
    """What its controls do at the dose where it does most."""
    if moved.empty:
        return ""
    top = _largest(moved)
    at = controls[(controls["alpha"] == top["alpha"]) & controls["controls_mean"].notna()]
    if at.empty:
        return ""
    said = " and ".join(
        f"{words.points(row['controls_mean'])} on average of "
        + words.counted(
            int(row["k"]), f"{row['control_kind']} control" if len(at) > 1 else "control"
        )
        for row in at.to_dict("records")
    )
    return f", against {said}"


def _what_follows(curve: pd.DataFrame, answers: Sequence[Answer], own: Mapping[str, str]) -> str:
    supported = [claim for claim, verdict in own.items() if verdict == SUPPORTED]
    if bool(curve["selected_on_outcome"].any()):
        return "The set was selected on the outcome: nothing follows from it."
    if supported:
        return f"{' and '.join(supported).capitalize()}: supported."
    moved, more, signed = (answer for answer, _ in answers)
    if moved != "yes":
        excluded = all(verdict == NOT_SUPPORTED for verdict in own.values())
        return (
            f"A change of {words.points(MARGIN, 0, sign=False)} points in its favour is excluded."
            if excluded
            else "Smaller changes are not excluded."
        )
    if more == "not asked":
        return "That is the other way round from what is claimed of it."
    if more == CANNOT_BE_SAID:
        return "Without controls that decide, nothing shows that the direction does it."
    if more == "not shown":
        return "Nothing shows that it does more than any push of its size."
    if signed != "yes":
        return "It does more than a random push, but nothing shows that its sign means anything."
    return "What is missing for the claim is said with its verdict."


def _largest(moved: pd.DataFrame) -> dict[str, Any]:
    """The row of the largest change, the first of them."""
    row = moved.iloc[int(moved["estimate"].abs().to_numpy(dtype=float).argmax())]
    return {str(name): value for name, value in row.items()}


def brief_text(store: Source, width: int = WIDTH) -> str:
    """The store in brief for a terminal, or why there is nothing to say."""
    try:
        made = briefs(store)
    except Refusal as refusal:
        return f"not computed: {refusal}"
    return "\n".join(in_lines(made, width)) or "no direction was compared with a baseline"


def brief_json(store: Source) -> str:
    """The store in brief as JSON: place, sentence, answers with their reasons, verdicts, stamp."""
    made = [
        {
            **one.place,
            "title": one.title,
            "sentence": one.sentence,
            "answers": {
                name: {"answer": answer, "why": why}
                for name, (answer, why) in zip(QUESTIONS, one.answers, strict=True)
            },
            "verdicts": dict(one.verdicts),
            "selected_on_outcome": one.selected,
            "stamp": one.stamp,
        }
        for one in briefs(store)
    ]
    return json.dumps(made, ensure_ascii=False, indent=1)


def in_lines(made: Sequence[Brief], width: int = WIDTH) -> list[str]:
    """Briefs as lines of at most `width` characters, for a terminal."""
    lines: list[str] = []
    for one in made:
        lines += [*textwrap.wrap(one.title, width), *_indented(one.sentence, "  ", width)]
        for question, (answer, why) in zip(QUESTIONS, one.answers, strict=True):
            lines += _indented(f"{question} {answer}: {one_line(why)}", "  - ", width)
        said = ", ".join(f"{claim} {verdict}" for claim, verdict in one.verdicts.items())
        lines += [*_indented(f"verdicts: {said} ({one.stamp})", "  - ", width), ""]
    return lines[:-1]


def _indented(text: str, first: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=" " * len(first),
        break_on_hyphens=False,
    )  # fmt: skip
