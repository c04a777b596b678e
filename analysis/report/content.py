"""What a report says: findings first, then problems, each direction, every table, provenance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis import tables, words
from analysis.figures import Figure, Place, figures, places
from analysis.plans import stamp_words, stamped
from analysis.report import audit, grids, logprob, missing, scores
from analysis.report.brief import QUESTIONS, Brief, briefs
from analysis.report.document import Block, Bullets, Explore, Finding, Fold, Heading, Picture, Text
from analysis.report.provenance import provenance
from analysis.report.verdicts import RULES, Verdict, store_verdicts
from analysis.tables.base import CURVE, groups, matching
from analysis.tables.comparisons import EFFECT
from analysis.tables.own_controls import PLACE
from analysis.tables.readings import Readings, view
from analysis.tables.series import Section, both_named
from analysis.vocabulary import Against
from sql.errors import Refusal

SELECTED = (
    "**selected_on_outcome.** The model's own baseline outcomes chose these problems: noise then "
    "looks like an effect, and nothing follows from this set."
)
WHY_SELECTED = (
    "Choosing as many right as wrong fixes the baseline at about 50 % by construction: a problem "
    "that was right by luck can only be lost, one that was wrong by bad luck can only be gained, "
    "and a real loss can hide (regression to the mean: 10 % of right answers flipping at random "
    "gives “+8.9 points, p = 3e−5”). Such figures are shown because studies report them."
)


def content(readings: Readings) -> list[Block]:
    """All blocks of the report of a store, in reading order."""
    pictures = figures(readings)
    problem_map = [*_first(pictures, "problems")]
    seen = {block.figure.name for block in problem_map if isinstance(block, Picture)}
    rest = [figure for figure in pictures if figure.name not in seen]
    sections = _guarded(lambda: _of_places(readings, rest))
    blocks: list[Block] = [Heading("Steering report", 1), *_summary(readings)]
    blocks += _guarded(lambda: _findings(readings))
    blocks += _first(pictures, "overview")
    blocks += [Heading("Audit"), *audit.section(readings)]
    blocks += [Heading("Problem map"), *problem_map, Explore(), *sections]
    blocks += _guarded(lambda: scores.continuous_outcomes(readings))
    blocks += [Heading("How verdicts are reached"), Fold("The rules", [Bullets(RULES)])]
    blocks += provenance(readings)
    whole = [one for one in pictures if not (one.place.section or one.kind.composed)]
    # Heatmaps last: they are looked at least.
    whole.sort(key=lambda figure: figure.kind.name == "direction")
    blocks += [Heading("Directions and latents"), *_guarded(lambda: _norms(readings))]
    return [*blocks, Fold("Figures of directions and latents", [Picture(one) for one in whole])]


def _guarded(make: Callable[[], Iterable[Block]]) -> list[Block]:
    """Some blocks, or the reason why a statistic in them was refused: the others stand anyhow."""
    try:
        return list(make())
    except Refusal as refusal:
        return [Text(f"**Not computed:** {refusal}", stamp=True)]


def _first(pictures: list[Figure], kind: str) -> Iterator[Block]:
    """The first figure of a kind: of a set that was drawn at random, where there is one."""
    of_sections = [figure for figure in pictures if figure.place.section]
    yield from [Picture(figure) for figure in of_sections if figure.kind.name == kind][:1]


def _summary(readings: Readings) -> list[Block]:
    """What was run, in a sentence."""
    runs = view(readings, "runs_overview")
    models = ", ".join(dict.fromkeys(view(readings, "models")["name"]))
    total = int(runs["n_outcomes"].sum())
    return [Text(f"{total:,} outcomes of {models} in {words.counted(len(runs), 'run')}.")]


def _findings(readings: Readings) -> Iterator[Block]:
    """What each direction comes to; folded where the set was selected on the outcome."""
    every = store_verdicts(readings)
    doubts = audit.doubts(readings, every)
    reached: dict[Any, list[Verdict]] = {}
    for verdict in every:
        reached.setdefault(verdict.place, []).append(verdict)
    made = briefs(readings)
    found = [_finding(one, reached[tuple(one.place.items())], doubts) for one in made]
    yield from [one for one, brief in zip(found, made, strict=True) if not brief.selected]
    rest = [one for one, brief in zip(found, made, strict=True) if brief.selected]
    if rest:
        yield Fold("On sets that were selected on the outcome: nothing follows from them", rest)


def _finding(
    brief: Brief, reached: list[Verdict], doubts: Mapping[Verdict, Sequence[str]]
) -> Finding:
    """`doubts` are findings of the audit that decide a verdict."""
    marks = [(name, *answer) for name, answer in zip(QUESTIONS, brief.answers, strict=True)]
    said = [(v.claim.capitalize(), *grids.doubted(v, doubts)) for v in reached]
    return Finding(brief.title, brief.sentence, brief.stamp, marks, said)


def _of_places(readings: Readings, pictures: list[Figure]) -> list[Block]:
    blocks: list[Block] = []
    for place in places(readings):
        of_place = [one for one in pictures if one.place.context == place.context]
        blocks += _of_directions(place, of_place)
        rest = [o for o in of_place if not o.kind.composed and o.kind.name != "curve"]
        every = _every_table(place, rest)
        blocks.append(Fold(f"Every table and figure: {place.where}", every))
    return blocks


def _of_directions(place: Place, pictures: list[Figure]) -> Iterator[Block]:
    """One section per direction: its figure, and the numbers that a paper prints."""
    tested = place.rows(tables.effects)
    tested = tested[tested["role"] == "candidate"].reset_index(drop=True)
    compared = place.rows(tables.controls)
    compared = compared[compared["quantity"] == EFFECT]
    alone = {one.drawing.subject: one for one in pictures if one.kind.name == "curve"}
    for value, index in groups(tested, CURVE).items():
        rows = tested.iloc[index]
        series = str(rows["series"].iloc[0])
        yield Heading(f"{series}: {place.where}")
        if place.selected:
            yield Text(SELECTED, stamp=True)
        figure = alone.get(series) or next(o for o in pictures if o.kind.name == "accuracy")
        yield Picture(figure)
        names = dict(zip(CURVE, value, strict=True))
        own = matching(compared, {name: names[name] for name in PLACE})
        own = own[own["candidate"] == names["direction"]]
        yield grids.numbers_grid(
            rows,
            own,
            f"numbers-{series}-{place.slug}",
            f"{series}: the numbers",
            _stamp(place, rows),
        )


def _stamp(
    place: Place, rows: pd.DataFrame, against: Against = "baseline", quantity: str | None = None
) -> str:
    """Which rows of a table a plan named."""
    return stamp_words(rows, stamped(place.readings, rows, against=against, quantity=quantity))


def _every_table(place: Place, pictures: list[Figure]) -> list[Block]:
    """Everything about one section."""
    left = list(pictures)

    def show(kind: str) -> list[Block]:
        """The figures of one kind, each shown once."""
        chosen = [figure for figure in left if figure.kind.name == kind]
        for figure in chosen:
            left.remove(figure)
        return [Picture(figure) for figure in chosen]

    blocks: list[Block] = []
    if place.selected:
        blocks.append(Text(WHY_SELECTED, stamp=True))
    several = place.section is not None and len(place.section.curves) > 1
    accuracy = show("accuracy")
    blocks += accuracy if several else []
    blocks += _guarded(lambda: [_verdicts(place)])
    for make in (
        _effects,
        _together,
        _controls,
        _transitions,
        _strata,
        _curves,
        _unread,
        _logprobs,
    ):
        blocks += _guarded(lambda make=make: make(place, show))  # type: ignore[misc]
    return blocks + [Picture(figure) for figure in left]


Show = Callable[[str], list[Block]]


def _verdicts(place: Place) -> Block:
    """What the rules say of each candidate, with the reason."""
    own = [v for v in store_verdicts(place.readings) if v.context == dict(place.context)]
    doubts = audit.doubts(place.readings, own)
    return grids.verdict_grid(own, f"verdicts-{place.slug}", place.context, doubts)


def _effects(place: Place, show: Show) -> Iterator[Block]:
    """Every candidate at every dose."""
    tested = place.rows(tables.effects)
    tested = tested[tested["role"] == "candidate"].reset_index(drop=True)
    yield from show("forest")
    yield grids.effects_grid(
        tested, f"effects-{place.slug}", "Accuracy and paired difference at every α", place.context,
        _stamp(place, tested),
    )  # fmt: skip
    for sentence in _raw_and_matched(place.rows(tables.equal_push), place.section):
        yield Text(sentence)
    yield from show("push")


def _together(place: Place, show: Show) -> Iterator[Block]:
    """All candidates beside each other, and what a plan ended."""
    of_all = place.rows(tables.sections)
    if (of_all["candidates"] > 1).any():
        stamp = _stamp(place, of_all)
        yield grids.sections_grid(of_all, f"section-{place.slug}", place.context, stamp)
    ends = place.rows(tables.planned_ends)
    ends = ends[ends["role"] == "candidate"].reset_index(drop=True)
    if len(ends):
        yield grids.ends_grid(ends, f"ends-{place.slug}", place.context, _stamp(place, ends))


def _controls(place: Place, show: Show) -> Iterator[Block]:
    """Candidates among their control directions."""
    compared = place.rows(tables.controls)
    if len(compared):
        yield from show("controls")
        stamp = _stamp(place, compared, "controls")
        yield grids.controls_grid(compared, f"controls-{place.slug}", place.context, stamp)


def _transitions(place: Place, show: Show) -> Iterator[Block]:
    """What became of right and wrong problems."""
    moved = place.rows(tables.transitions)
    yield from show("transitions")
    stamp = _stamp(place, moved)
    yield grids.transitions_grid(moved, f"transitions-{place.slug}", place.context, stamp)


def _strata(place: Place, show: Show) -> Iterator[Block]:
    """Effects by stratum, and whether they are alike."""
    rows = place.rows(tables.strata)
    if len(rows):
        yield from show("strata")
        stamp = _stamp(place, rows)
        yield grids.strata_grid(rows, f"strata-{place.slug}", place.context, stamp)
        same = place.rows(tables.homogeneity)
        stamp = _stamp(place, same)
        yield grids.homogeneity_grid(same, f"homogeneity-{place.slug}", place.context, stamp)


def _curves(place: Place, show: Show) -> Iterator[Block]:
    """Trends over all doses."""
    trends = place.rows(tables.trends)
    if len(trends):
        yield from show("doses")
        stamp = _stamp(place, trends, quantity="signed slope per unit of alpha")
        yield grids.trends_grid(trends, f"curves-{place.slug}", place.context, stamp)


def _unread(place: Place, show: Show) -> Iterator[Block]:
    """Answers that cannot be read, and what they could change."""
    rows = place.rows(tables.missingness)
    if said := words.missingness_sentence(rows.to_dict("records")):
        yield Text(f"**Missing answers.** {said}")
        stamp = _stamp(place, rows, quantity="unequal missingness")
        yield missing.missing_grid(rows, f"missing-{place.slug}", place.context, stamp)
        tested = place.rows(tables.effects)
        tested = tested[tested["role"] == "candidate"].reset_index(drop=True)
        stamp = _stamp(place, tested)
        yield missing.sensitivity_grid(tested, f"bounds-{place.slug}", place.context, stamp)


def _logprobs(place: Place, show: Show) -> Iterator[Block]:
    """What steering does to the log-probability of the gold answer."""
    moved = place.rows(tables.gold_logprobs)
    moved = moved[moved["role"] == "candidate"].reset_index(drop=True)
    if len(moved):
        among = place.rows(tables.logprob_controls)
        stamp = _stamp(place, moved, quantity="change of the gold answer's log-probability")
        yield logprob.logprob_grid(moved, among, f"logprobs-{place.slug}", place.context, stamp)
        if said := logprob.trend_sentence(place.rows(tables.logprob_doses)):
            yield Text(said)


def _raw_and_matched(pairs: pd.DataFrame, section: Section | None) -> list[str]:
    """The raw direction beside the difficulty-matched one at equal push, where both were run."""
    said = []
    matched = pairs[pairs["matched"].astype(bool)].reset_index(drop=True)
    for index in groups(matched, [*PLACE, "first", "second"]).values():
        rows = matched.iloc[index]
        ends = rows.iloc[sorted({int(rows["push"].argmin()), int(rows["push"].argmax())})]
        named = both_named(ends, section)
        raw, counterpart = named[0]["first"], named[0]["second"]
        at = "; ".join(map(words.push_sentence, named))
        said.append(
            f"**Raw beside difficulty-matched.** {counterpart} averages the difference of means "
            "within each number of steps, so that it cannot encode difficulty. They differ in "
            f"length, so they are compared at equal push: {at}. What {raw} does beyond it may be "
            "difficulty."
        )
    return said


def _norms(readings: Readings) -> list[Block]:
    """How large a dose is."""
    norms = tables.norms(readings)
    if not len(norms):
        return []
    largest = norms.loc[[norms["relative_mean"].to_numpy().argmax()]].to_dict("records")[0]
    return [
        Text(
            f"At |α| = {largest['dose']:g}, {largest['direction']} adds on average "
            f"{words.percent(largest['relative_mean'], 0)} of the norm of the latent it is "
            f"added to (at most {words.percent(largest['relative_max'], 0)} at one position): a "
            "large dose leaves the region in which the model was trained, whatever it means."
        ),
        Fold("Size of every dose", [grids.norms_grid(norms)]),
    ]
