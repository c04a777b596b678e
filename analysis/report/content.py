"""What a report says: verdicts first, then every table and figure, then where it came from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pandas as pd

from analysis import tables, words
from analysis.figures import Figure, Place, every_row, figures, places, shown
from analysis.report import audit, grids, logprob, missing
from analysis.report.brief import QUESTIONS, briefs
from analysis.report.document import Block, Bullets, Heading, Picture, Text
from analysis.report.verdicts import RULES, store_verdicts
from analysis.tables.base import groups
from analysis.tables.readings import Readings, view
from sql.errors import Refusal

WHY_SELECTED = (
    "**selected_on_outcome.** The problems of this set were chosen by the model's own baseline "
    "outcomes (as many right as wrong). That fixes the baseline at about 50 % by construction: a "
    "problem that was right by luck can only be lost, one that was wrong by bad luck can only be "
    "gained, so plain noise looks like an effect, and a real loss can hide (regression to the "
    "mean: 10 % of right answers flipping at random gives “+8.9 points, p = 3e−5”). Figures on "
    "this set are shown because such studies report them; no verdict rests on them."
)


def content(readings: Readings) -> list[Block]:
    """All blocks of the report of a store, in reading order."""
    pictures = [figure for figure in figures(readings) if not figure.kind.composed]
    blocks: list[Block] = [Heading("Steering report", 1), *_summary(readings)]
    blocks += [Heading("In brief"), *_guarded(lambda: _briefly(readings))]
    blocks += [Heading("Verdicts"), *_guarded(lambda: _verdicts(readings))]
    blocks += [Heading("How verdicts are reached", 3), Bullets(RULES)]
    blocks += [Heading("Audit"), *audit.section(readings)]
    blocks += _guarded(lambda: _of_places(readings, pictures))
    whole = [picture for picture in pictures if not picture.place.context]
    blocks += [Heading("Directions and latents"), *_guarded(lambda: _norms(readings))]
    blocks += [Picture(figure) for figure in whole]
    return blocks + _provenance(readings)


def _guarded(make: Callable[[], Iterable[Block]]) -> list[Block]:
    """Some blocks, or the reason why a statistic in them was refused: the others stand anyhow."""
    try:
        return list(make())
    except Refusal as refusal:
        return [Text(f"**Not computed:** {refusal}", stamp=True)]


def _briefly(readings: Readings) -> Iterator[Block]:
    """Of each direction a sentence, and the answers to three questions."""
    for one in briefs(readings):
        yield Text(f"**{one.title}.** {one.sentence}")
        yield Bullets(
            [
                f"**{question}** {answer}: {why}"
                for question, (answer, why) in zip(QUESTIONS, one.answers, strict=True)
            ]
        )


def _verdicts(readings: Readings) -> list[Block]:
    reached = store_verdicts(readings)
    return [grids.verdict_cards(reached, audit.doubts(readings, reached))]


def _summary(readings: Readings) -> list[Block]:
    """What was run, in two sentences."""
    runs, sets = view(readings, "runs_overview"), view(readings, "sets_overview")
    models = ", ".join(dict.fromkeys(view(readings, "models")["name"]))
    total = int(runs["n_outcomes"].sum())
    drawn = "; ".join(
        f"{row['set_name']}: {int(row['n'])} problems ({row['selection']})"
        for row in sets.to_dict("records")
    )
    text = f"{total:,} outcomes of {models} in {len(runs)} run(s). Problem sets: {drawn}."
    return [Text(text)]


def _of_places(readings: Readings, pictures: list[Figure]) -> list[Block]:
    blocks: list[Block] = []
    for place in places(readings):
        of_place = [figure for figure in pictures if figure.place.context == place.context]
        blocks += _of_place(place, of_place)
    return blocks


def _of_place(place: Place, pictures: list[Figure]) -> list[Block]:
    """Everything about one problem set under one protocol."""
    name, where, context = place.slug, place.where, place.context
    left = list(pictures)

    def show(kind: str) -> list[Block]:
        """The figures of one kind, each shown once."""
        chosen = [figure for figure in left if figure.kind.name == kind]
        for figure in chosen:
            left.remove(figure)
        return [Picture(figure) for figure in chosen]

    def effects() -> Iterator[Block]:
        """Every candidate at every dose."""
        tested = place.rows(tables.effects)
        tested = tested[tested["role"] == "candidate"].reset_index(drop=True)
        title = "Accuracy and paired difference at every α"
        yield grids.effects_grid(tested, f"effects-{name}", title, context)

    def logprobs() -> Iterator[Block]:
        """What steering does to the log-probability of the gold answer."""
        moved = place.rows(tables.gold_logprobs)
        moved = moved[moved["role"] == "candidate"].reset_index(drop=True)
        if len(moved):
            among = place.rows(tables.logprob_controls)
            yield logprob.logprob_grid(moved, among, f"logprobs-{name}", context)
            if said := logprob.trend_sentence(place.rows(tables.logprob_doses)):
                yield Text(said)

    def together() -> Iterator[Block]:
        """All candidates beside each other, and what a plan ended."""
        of_all = place.rows(tables.sections)
        if (of_all["candidates"] > 1).any():
            yield grids.sections_grid(of_all, f"section-{name}", context)
        ends = place.rows(tables.planned_ends)
        ends = ends[ends["role"] == "candidate"]
        if len(ends):
            yield grids.ends_grid(ends, f"ends-{name}", context)

    def unread() -> Iterator[Block]:
        """Answers that cannot be read, and what they could change."""
        rows = place.rows(tables.missingness)
        if said := words.missingness_sentence(rows.to_dict("records")):
            yield Heading(f"Missing answers ({where})", 3)
            yield Text(said)
            yield missing.missing_grid(rows, f"missing-{name}", context)
            tested = place.rows(tables.effects)
            tested = tested[tested["role"] == "candidate"].reset_index(drop=True)
            yield missing.sensitivity_grid(tested, f"bounds-{name}", context)

    def controls() -> Iterator[Block]:
        """Candidates among their control directions."""
        compared = place.rows(tables.controls)
        if len(compared):
            yield Heading(f"Control directions ({where})", 3)
            yield from show("controls")
            yield grids.controls_grid(compared, f"controls-{name}", context)

    def transitions() -> Iterator[Block]:
        """What became of right and wrong problems."""
        moved = place.rows(tables.transitions)
        yield grids.transitions_grid(moved, f"transitions-{name}", context)

    def strata() -> Iterator[Block]:
        """Effects by stratum, and whether they are alike."""
        rows = place.rows(tables.strata)
        if len(rows):
            yield Heading(f"Difficulty ({where})", 3)
            yield from show("strata")
            yield grids.strata_grid(rows, f"strata-{name}", context)
            same = place.rows(tables.homogeneity)
            yield grids.homogeneity_grid(same, f"homogeneity-{name}", context)

    def curves() -> Iterator[Block]:
        """Trends over all doses."""
        trends = place.rows(tables.trends)
        if len(trends):
            yield Heading(f"Whole curves ({where})", 3)
            yield from show("doses")
            yield grids.trends_grid(trends, f"curves-{name}", context)

    def raw() -> Iterator[Block]:
        """Raw and matched directions at equal push, in words."""
        for sentence in _raw_and_matched(place.rows(tables.equal_push)):
            yield Text(sentence)

    blocks: list[Block] = [Heading(f"Results: {where}")]
    if place.selected:
        blocks.append(Text(WHY_SELECTED, stamp=True))
    blocks += [*_guarded(raw), *show("accuracy"), *_guarded(effects), *show("forest")]
    blocks += _guarded(logprobs)
    blocks += [*_guarded(together), *_guarded(unread), *_guarded(controls)]
    blocks += [Heading(f"Transitions ({where})", 3), *show("transitions"), *_guarded(transitions)]
    blocks += [*_guarded(strata), *_guarded(curves)]
    return blocks + [Picture(figure) for figure in left]


def _raw_and_matched(pairs: pd.DataFrame) -> list[str]:
    """The raw direction beside the difficulty-matched one at equal push, where both were run."""
    said = []
    matched = pairs[pairs["matched"].astype(bool)].reset_index(drop=True)
    for (raw, counterpart), index in groups(matched, ["first", "second"]).items():
        rows = matched.iloc[index]
        ends = rows.iloc[sorted({int(rows["push"].argmin()), int(rows["push"].argmax())})]
        at = "; ".join(
            words.push_sentence({str(k): v for k, v in row.items()})
            for row in ends.to_dict("records")
        )
        said.append(
            f"**Raw beside difficulty-matched.** {raw} is the difference of means of right and "
            f"wrong problems; {counterpart} averages that difference within each number of steps, "
            "so that it cannot encode difficulty. They differ in length, so they are compared at "
            f"equal push: {at}. What the raw direction does beyond the matched one may be "
            "difficulty, not correctness."
        )
    return said


def _norms(readings: Readings) -> list[Block]:
    """How large a dose is."""
    blocks: list[Block] = []
    norms = tables.norms(readings)
    if len(norms):
        largest = norms.loc[[norms["relative_mean"].to_numpy().argmax()]].to_dict("records")[0]
        blocks.append(
            Text(
                f"At |α| = {largest['dose']:g}, {largest['direction']} adds on average "
                f"{words.percent(largest['relative_mean'], 0)} of the norm of the latent it is "
                f"added to (at most {words.percent(largest['relative_max'], 0)} at one position). "
                "The table gives this for every dose: a large dose leaves the region in which the "
                "model was trained, whatever the direction means."
            )
        )
        blocks.append(grids.norms_grid(norms))
    return blocks


def _provenance(readings: Readings) -> list[Block]:
    """Gates, runs, models, problem sets, directions, plans and versions."""
    from analysis.plans import stamps
    from analysis.recorded import code_version
    from store import rows_digest

    runs = view(readings, "runs")
    blocks: list[Block] = [Heading("Gates and provenance")]
    blocks.append(Bullets([*stamps(readings.path).notes()]))
    for run in runs.to_dict("records"):
        gates = json.loads(run["gates"]) if run["gates"] else {}
        if gates:
            rows = pd.DataFrame([{"gate": k, "result": _short(v)} for k, v in gates.items()])
            title = f"Gates of run {run['run_id'][:12]}"
            sql = shown("behind_gates", {"run_id": run["run_id"]})
            blocks.append(grids.frame_grid(rows, f"gates-{run['run_id'][:12]}", title, sql))
    keep = ["run_id", "created_at", "status", "command", "code_version", "git_commit",
            "library_versions", "host", "device", "rng_seed"]  # fmt: skip
    runs = runs[[name for name in keep if name in runs]]
    blocks.append(grids.frame_grid(runs, "runs", "Runs", every_row("runs")))
    parts = tables.covered_in_part(readings)
    if len(parts):
        blocks.append(grids.parts_grid(parts))
    models = view(readings, "models")
    blocks.append(grids.frame_grid(models, "models", "Models", every_row("models")))
    sets = view(readings, "sets_overview")
    sql = every_row("sets_overview")
    blocks.append(grids.frame_grid(sets, "sets", "Problem sets", sql))
    directions = view(readings, "directions_overview")
    kept = directions[directions["role"] == "candidate"].drop(columns=["parent"])
    note = f"{int((directions['role'] == 'control').sum())} control directions are not listed."
    sql = shown("behind_directions", {})
    blocks.append(grids.frame_grid(kept, "directions", "Candidate directions", sql, note))
    digest = rows_digest(readings.path)
    blocks.append(Text(f"Digest of all outcomes: `{digest}`. Analysis code: `{code_version()}`."))
    claims = view(readings, "claims")
    if len(claims):
        blocks.append(Heading("Claims"))
        columns = ["document", "text", "printed", "recomputed", "verdict", "reason"]
        sql = every_row("claims")
        blocks.append(grids.frame_grid(claims[columns], "claims", "Claims re-verified", sql))
    return blocks


def _short(value: Any) -> str:
    """A gate's result on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
