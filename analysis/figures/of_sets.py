"""The figures of one problem set: each kind's tables, chart, caption and query together.

A new kind is a function that draws it and an entry of `OF_SETS`. Captions spell out n, test,
interval and correction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis import tables, words
from analysis.figures.figure import Build, Drawing, Kind, Place
from analysis.plans import stamp_words, stamped
from analysis.tables.comparisons import dose_name
from analysis.tables.own_controls import PLACE
from analysis.tables.readings import view
from analysis.tables.series import both_named
from analysis.vocabulary import SIGNIFICANCE

NOT_READ = "an answer that cannot be read is not right"


def _pairs(place: Place, tested: pd.DataFrame | None = None) -> str:
    """How many pairs of which set (those of a table, else of all doses), and what is right.

    One n, or that of the set and what is missing of it: a range would hide which rows lack what.
    Of several seeds the problem is the unit, and counts are of outcomes.
    """
    if tested is None:
        curves = place.rows(tables.accuracy_curves)
        tested = curves[curves["alpha"] != 0]
    sizes, seeds = tested["n"].unique(), _seeds(place)
    size = _size(int(sizes[0]), "pairs" if seeds == 1 else "problems", place)
    if len(sizes) > 1:
        sets = view(place.readings, "sets_overview").set_index("set_name")
        size = _size(int(sets.loc[place.context["set_name"], "n"]), "problems", place) + (
            ", each figure without those that miss an outcome of its own (its n is in the table)"
        )
    if seeds > 1:
        size += f", {seeds} seeds each (effects are of problems, counts of outcomes)"
    return f"{size}; {NOT_READ}"


def _size(n: int, noun: str, place: Place) -> str:
    """How many of which set, asked how."""
    return f"n = {n} {noun} ({place.where})"


def _seeds(place: Place) -> int:
    """How many seeds the candidates were run with, the most of them."""
    rows = place.rows(tables.accuracy)
    return int(rows[rows["role"] == "candidate"]["n_seeds"].max())


def _score(place: Place) -> tuple[str, str]:
    """The test and the interval of the paired differences: of pairs, or over problems."""
    if _seeds(place) > 1:
        return "a score test over problems", "cluster score"
    return "McNemar mid-p on the discordant pairs", "Tango score"


def _own(row: Mapping[Any, Any], table: pd.DataFrame) -> str:
    """The n of one figure of a caption, where the figures differ in it."""
    return f" (n = {words.count(row['n'])})" if table["n"].nunique() > 1 else ""


def _unread(place: Place, of: pd.DataFrame) -> str:
    """A sentence on unreadable and missing answers under some series, where there are any."""
    rows = place.rows(tables.missingness)
    rows = rows[rows["series"].isin(of["series"])]
    said = words.missingness_sentence(rows.to_dict("records"))
    return f" {said}" if said else ""


def _ended(place: Place, of: pd.DataFrame) -> str:
    """A sentence on the contrasts that a plan ended: their test, interval, n and reason."""
    ends = place.rows(tables.planned_ends)
    ends = ends[(ends["role"] == "candidate") & ends["series"].isin(of["series"])]
    if ends.empty:
        return ""
    said = "; ".join(
        f"{row['series']} at α = {words.alpha(row['alpha'])} {tables.stop_words(row)}"
        for row in ends.to_dict("records")
    )
    tests = ", ".join(words.count(m) for m in dict.fromkeys(ends["family_size"]))
    return (
        f" Ended by a plan: {said}. Their test is the e-value, corrected by Holm over the {tests} "
        "tests of the plan, their interval a 95 % confidence sequence; both hold at every look. "
        "Hollow: ended before the last problem."
    )


def _stamp(place: Place) -> str:
    """Which of the paired effects of the candidates a plan named."""
    tested = place.rows(tables.effects)
    tested = tested[tested["role"] == "candidate"]
    return stamp_words(tested, stamped(place.readings, tested))


def _overview(place: Place) -> Iterator[Drawing]:
    """Accuracy and controls as the lettered panels of one figure, where there are both."""
    from analysis.charts import lettered

    first, second = next(_accuracy(place), None), next(_controls(place), None)
    if first and second:
        builds = (first.build, second.build)
        yield Drawing(
            build=lambda w: lettered([build(w) for build in builds]),
            caption=f"(a) {first.caption} (b) {second.caption}",
            columns=2,
            plots=2,
            stamp=f"(a) {first.stamp}; (b) {second.stamp}"
            if first.stamp != second.stamp
            else first.stamp,
        )


def _accuracy(place: Place) -> Iterator[Drawing]:
    """The curves of all candidates over alpha."""
    yield _curves(place, place.rows(tables.accuracy_curves), place.rows(tables.control_band))


def _curve(place: Place) -> Iterator[Drawing]:
    """The curve of each candidate alone, where there are several."""
    curves, band = place.rows(tables.accuracy_curves), place.rows(tables.control_band)
    series = list(dict.fromkeys(curves["series"]))
    for name in series if len(series) > 1 else ():
        own = curves[curves["series"] == name]
        yield replace(_curves(place, own, band[band["series"] == name]), subject=name)


def _curves(place: Place, curves: pd.DataFrame, band: pd.DataFrame) -> Drawing:
    """Accuracy over alpha of some candidates, with the range of their controls."""
    from analysis import charts

    caption = (
        f"Accuracy over the steering dose α; {_pairs(place, curves[curves['alpha'] != 0])}. "
        f"Shading: 95 % {_score(place)[1]} interval of the paired difference, moved to the "
        "baseline of the same pairs (dashed)."
    )
    if len(band):
        k = ", ".join(f"{int(k)}" for k in dict.fromkeys(band["k"]))
        caption += (
            f" Grey bars: 95 % prediction interval of one further control direction (k = {k}), "
            "with their mean."
        )
    caption += _unread(place, curves) + _ended(place, curves)
    tested = curves[curves["alpha"] != 0]
    return Drawing(
        build=lambda w: charts.accuracy_chart(curves, band, width=w, height=125),
        caption=caption,
        stamp=stamp_words(tested, stamped(place.readings, tested)),
    )


def _controls(place: Place) -> Iterator[Drawing]:
    """The strip of controls, with d, Crawford–Howell and rank p of each candidate."""
    from analysis import charts

    strip, compared = place.rows(tables.controls_strip), place.rows(tables.controls)
    if compared.empty:
        return
    said = []
    for row in compared.to_dict("records"):
        dose = dose_name(row["quantity"], row["alpha"])
        at = f"{row['series']} at {dose}{_own(row, compared)}"
        if row["least_n"] < row["n"]:
            at += f" (its controls at least {words.count(row['least_n'])})"
        if row["why"]:
            said.append(f"{at}: its {row['control_kind']} controls are not comparable")
            continue
        few = " (too few controls)" if row["rank_status"] == "too_few_controls" else ""
        said.append(
            f"{at}: {int(row['beyond'])} of {int(row['k'])} controls "
            f"lie beyond it, rank p {words.p_value(row['p_rank'])}{few}, Crawford–Howell p "
            f"{words.p_from_controls(row['p_crawford_howell'], row['k'])}, d = "
            f"{words.signed(row['d'], 2)}"
        )
    caption = (
        "Each dot is one of the candidate's own control directions "
        f"({_pairs(place, compared)}); grey: 95 % prediction interval of one further control if "
        "they are normal; bracket: the same by order statistics, whatever they are; line: their "
        "mean. Signed: [f(α) − f(−α)]/2, free of damage by either sign. A Crawford–Howell p below "
        "1/(k + 1) is not printed: with heavy tails it can be off a hundredfold. "
        f"{'; '.join(said)}."
    )
    yield Drawing(
        build=lambda w: charts.controls_chart(strip, compared, width=w),
        caption=caption,
        stamp=stamp_words(compared, stamped(place.readings, compared, against="controls")),
    )


def _forest(place: Place) -> Iterator[Drawing]:
    """All paired differences at once."""
    from analysis import charts

    forest = place.rows(tables.forest)
    alphas = int(forest["family_size"].max())
    test, interval = _score(place)
    yield Drawing(
        build=lambda w: charts.forest_chart(forest, width=w),
        caption="Paired difference to the baseline at every α, with the discordant pairs "
        f"(gained/lost) and the corrected p; {_pairs(place)}. Test: {test}, "
        f"corrected by Holm over the {alphas} alphas of a direction. Interval: 95 % {interval}."
        f"{_ended(place, forest)}",
        stamp=_stamp(place),
    )


def _transitions(place: Place) -> Iterator[Drawing]:
    """What became of the problems."""
    from analysis import charts

    long, wide = place.rows(tables.transitions_long), place.rows(tables.transitions)
    series = long["series"].nunique()
    # Bars are of all outcomes, those that are missing among them.
    totals = sorted({int(n) for n in wide["total"]})
    size = _size(totals[-1], "problems" if _seeds(place) == 1 else "outcomes", place)
    if len(totals) > 1:
        size += f", at least {totals[0]} at a dose that a plan ended"
    yield Drawing(
        build=lambda w: charts.transitions_chart(long, wide, width=w, height=130),
        caption="What became of the problems at each α: stayed right, gained (wrong to right), lost"
        " (right to wrong), stayed wrong; missing: an outcome is (an error). "
        f"{size}; {NOT_READ}.{_unread(place, wide)}{_ended(place, wide)}",
        columns=2 if series > 1 else 1,
        plots=series,
        stamp=_stamp(place),
    )


def _strata(place: Place) -> Iterator[Drawing]:
    """Effects by number of steps, with the smallest homogeneity p in words."""
    from analysis import charts

    strata, same = place.rows(tables.strata), place.rows(tables.homogeneity)
    if strata.empty:
        return
    caption = (
        "Accuracy (top) and paired difference with its 95 % Tango interval (middle) by number of "
        "reasoning steps, and discordant pairs (gained/lost) at whole doses (bottom); "
        f"{_pairs(place)}."
    )
    tested = same[same["p_odds"].notna()]
    if len(tested):
        caption += (
            " Strata differ in the odds gained:lost (Fisher–Freeman–Halton, uncorrected) at "
            f"{int((tested['p_odds'] <= SIGNIFICANCE).sum())} of {len(tested)} doses, in points at "
            f"{int((tested['p_points'] <= SIGNIFICANCE).sum())}."
        )
    caption += _ended(place, strata)
    yield Drawing(
        build=lambda w: charts.strata_chart(strata, width=w),
        caption=caption,
        columns=2,
        plots=strata["stratum"].nunique(),
    )


def _doses(place: Place) -> Iterator[Drawing]:
    """Signed effect against damage."""
    from analysis import charts

    doses, trends = place.rows(tables.doses), place.rows(tables.trends)
    if doses.empty:
        return
    said = "; ".join(
        f"{row['series']}{_own(row, trends)}: {words.points(row['trend'], 2)} points per unit "
        f"of α {words.interval(row['trend_low'], row['trend_high'], 2)}, reflection "
        f"{words.p_is(row['p_trend'])}"
        for row in trends.to_dict("records")
    )
    yield Drawing(
        build=lambda w: charts.dose_chart(doses, width=w, height=110),
        caption="Signed effect [f(a) − f(−a)]/2, what the direction means, against damage "
        f"[f(a) + f(−a)]/2 − f(0), what any push does; {_pairs(place, trends)}. Shading: 95 % "
        f"limits that hold for all doses at once (max-T). Trend of the signed effect: {said}.",
        plots=doses["series"].nunique(),
        stamp=stamp_words(doses, stamped(place.readings, doses)),
    )


def _push(place: Place) -> Iterator[Drawing]:
    """Candidates at equal push."""
    from analysis import charts

    curves, pairs = place.rows(tables.push_curves), place.rows(tables.equal_push)
    if pairs.empty:
        return
    ends = pairs.loc[
        pairs.groupby([*PLACE, "first", "second"], sort=False, dropna=False)["push"]
        .agg(["idxmin", "idxmax"])
        .to_numpy()
        .ravel()
    ]
    own = pd.concat([curves[curves["alpha"] != 0], pairs])
    said = "; ".join(
        words.push_sentence(row) + _own(row, own)
        for row in both_named(ends.drop_duplicates(), place.section)
    )
    yield Drawing(
        build=lambda w: charts.push_chart(curves, width=w),
        caption="Paired difference to the baseline over the push α‖v‖/‖h‖: the share of a latent's "
        "norm that is added, on average over the positions that change anything; "
        f"{_pairs(place)}. Shading: 95 % interval. The longer direction is interpolated between "
        f"its doses, problem by problem; limits hold at all pushes at once (max-T): {said}.",
    )


def _grid(cells: pd.DataFrame, borders: pd.DataFrame) -> Build:
    from analysis import charts

    return lambda w: charts.problems_chart(cells, borders, width=w)


def _problems(place: Place) -> Iterator[Drawing]:
    """The grid of problems of each direction."""
    blocks, borders = place.rows(tables.problem_blocks), place.rows(tables.problem_strata)
    for series in dict.fromkeys(blocks["series"]):
        cells = blocks[blocks["series"] == series]
        lines = borders[borders["series"] == series]
        size = _size(int(cells["last"].max()), "problems", place)
        yield Drawing(
            build=_grid(cells, lines),
            caption=f"Every problem (row) at every α (column) under {series}, sorted within the "
            "number of steps by how often it is right; α = 0 is the baseline. "
            f"{size}; {NOT_READ}.{_ended(place, cells)}",
            subject=series,
            stamp=_stamp(place),
        )


OF_SETS = (
    Kind(name="overview", title="Overview", query="behind_curves", draw=_overview, composed=True),
    Kind(name="accuracy", title="Accuracy over α", query="behind_curves", draw=_accuracy),
    Kind(
        name="curve",
        title="Accuracy over α under {subject}",
        query="behind_curves",
        draw=_curve,
    ),
    Kind(
        name="controls",
        title="Candidates among control directions",
        query="behind_controls",
        draw=_controls,
    ),
    Kind(name="forest", title="Paired differences", query="behind_effects", draw=_forest),
    Kind(name="transitions", title="Transitions", query="behind_transitions", draw=_transitions),
    Kind(name="strata", title="By number of steps", query="behind_strata", draw=_strata),
    Kind(name="push", title="Candidates at equal push", query="behind_curves", draw=_push),
    Kind(name="doses", title="Signed effect and damage", query="behind_problems", draw=_doses),
    Kind(
        name="problems",
        title="Problems under {subject}",
        query="behind_problems",
        draw=_problems,
    ),
)
