"""The commands of `steerstat calc` that are not about one table of pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from analysis.cli.showing import (
    ConfidenceOption,
    SignificanceOption,
    as_rates,
    numbers,
    show,
)
from sql.errors import UserError
from store.cli.options import AsJson

if TYPE_CHECKING:
    from analysis.statistics.power import DetectableEffect, Power, SampleSize
    from analysis.vocabulary import Adjustment, Model, Tail, TestMethod


def controls(
    effect: Annotated[str, typer.Option(help="Effect of the candidate, in points as printed.")],
    controls: Annotated[str, typer.Option(help="Effects of the controls, with commas.")],
    n: Annotated[
        int | None,
        typer.Option(
            help="Problems, to restore exact counts; by default the points are taken as given."
        ),
    ] = None,
    tail: Annotated[str, typer.Option(help="two-sided, less or greater.")] = "two-sided",
    family_size: Annotated[int, typer.Option(help="Candidates tested together (Holm).")] = 1,
    confidence: ConfidenceOption = 0.95,
    json_: AsJson = False,
) -> None:
    """Is one direction unusual among few control directions?

    Rounded percentages and exact counts give different digits; --n restores the counts.

    Example: steerstat calc controls --effect -12.8 --controls=-1.2,-2.3,-5.8,-11.6,-12.8 --n 86
    """
    from analysis import words
    from analysis.claims.restore import restored_count, rounds_to
    from analysis.statistics.controls import compare_to_controls

    printed = [*numbers("--effect", effect), *numbers("--controls", controls)]
    values, notes = [float(text.rstrip("%")) for text in printed], []
    if n is not None:
        counts = [restored_count(figure, n, difference=True) for figure in printed]
        notes += [
            f"{figure} is read as {count:+d} of {n}, {words.precise_points(count / n)} points: a "
            "difference of two rounded accuracies may be off by one in its last digit"
            for figure, count in zip(printed, counts, strict=True)
            if not rounds_to(count, n, figure)
        ]
        values = [100 * count / n for count in counts]
        listed = ", ".join(f"{count:+d}" for count in counts[1:])
        notes.append(f"counts restored from n = {n}: {counts[0]:+d} among {listed} problems")
    else:
        notes.append("computed from the points as given; --n restores exact counts")
    result = compare_to_controls(
        values[0],
        values[1:],
        tail=cast("Tail", tail),
        confidence=confidence,
        family_size=family_size,
    )
    p, rank, less, greater, floor = map(
        words.p_value,
        (result.p, result.p_rank, result.p_rank_less, result.p_rank_greater, result.rank_floor),
    )
    lines = [
        (
            "difference",
            f"{words.precise(result.estimate, sign=True)} points from the controls' mean",
        ),
        ("Crawford-Howell p", f"{p}  ({result.tail}, t = {words.precise(result.statistic)})"),
        (
            "prediction interval",
            words.precise_range(result.prediction_low, result.prediction_high),
        ),
        ("rank p", f"{rank}  (never below {floor})"),
        ("one-sided rank p", f"less {less}, greater {greater}"),
        (
            "Cohen's d",
            f"{words.precise(result.d, 6)}  (ddof 0: {words.precise(result.d_ddof0, 6)})",
        ),
        ("Hedges g", words.precise(result.g, 6)),
        (
            "d, candidate random",
            words.precise_range(result.d_low_random, result.d_high_random),
        ),
        (
            "d, candidate fixed",
            f"{words.precise_range(result.d_low_fixed, result.d_high_fixed)}  (no test)",
        ),
        ("status", str(result.status)),
    ]
    sentence = words.controls_sentence(result, "points")
    title = f"One direction among {result.k} controls, {words.level(confidence)} intervals"
    payload = {"unit": "percentage points", "result": result}
    show(title, lines, sentence, payload, as_json=json_, notes=notes)


def controls_power(
    k: Annotated[int, typer.Option(help="Number of control directions.")],
    gap: Annotated[float, typer.Option(help="Distance in SD of control effects.")] = 3.0,
    model: Annotated[str, typer.Option(help="fixed or random candidate.")] = "fixed",
    tail: Annotated[str, typer.Option(help="two-sided, less or greater.")] = "two-sided",
    significance: SignificanceOption = 0.05,
    json_: AsJson = False,
) -> None:
    """How many controls are enough for Crawford-Howell to find a direction?

    Example: steerstat calc controls-power --k 19 --gap 3
    """
    from analysis import words
    from analysis.statistics.one_against_controls import controls_power as power

    result = power(
        k, gap=gap, model=cast("Model", model), tail=cast("Tail", tail), significance=significance
    )
    floor = words.p_value(result.rank_floor)
    lines = [
        ("power, fixed", words.precise(result.fixed)),
        ("power, random", words.precise(result.random)),
        ("rank p, at best", floor),
        ("status", str(result.status)),
    ]
    sentence = (
        f"With {k} controls a {model} candidate {gap:g} SD from their mean is found at "
        f"{significance:g} ({tail}) with probability {result.power:.3f}; the rank test cannot go "
        f"below {floor} however far it lies."
    )
    show(f"{k} controls, gap {gap:g} SD", lines, sentence, {"result": result}, as_json=json_)


def power(
    n: Annotated[
        int | None, typer.Option(help="Problems; by default it is asked how many.")
    ] = None,
    effect: Annotated[
        float | None, typer.Option(help="Net effect in points; by default the smallest is asked.")
    ] = None,
    discordance: Annotated[
        float | None,
        typer.Option(help="Share of problems that change, in percent; by default refused."),
    ] = None,
    target: Annotated[float, typer.Option(help="Power asked where n or effect is open.")] = 0.8,
    method: Annotated[str, typer.Option(help="midp, exact or chi2.")] = "midp",
    significance: SignificanceOption = 0.05,
    json_: AsJson = False,
) -> None:
    """Power of McNemar's test, the problems needed, or the smallest detectable effect.

    Example: steerstat calc power --n 86 --effect 5 --discordance 15
    """
    from analysis import words
    from analysis.statistics.power import mcnemar_power, minimum_detectable_effect, sample_size

    if n is None and effect is None:
        raise UserError("power needs --n, --effect or both: what is left out is computed")
    asked = 0.0 if effect is None else effect
    fraction, rate = as_rates(("--effect", asked), discordance, n=n)
    size = None if effect is None else fraction
    test = cast("TestMethod", method)
    options: dict[str, Any] = {"discordance": rate, "method": test, "significance": significance}
    result: Power | DetectableEffect | SampleSize
    if n is not None and size is not None:
        result = mcnemar_power(n, effect=size, **options)
        sentence = words.power_sentence(result.power, n, size, result.discordance, test)
        line = ("power", words.precise(result.power))
    elif n is not None:
        result = minimum_detectable_effect(n, power=target, **options)
        sentence = words.detectable_sentence(result, test)
        line = (
            "smallest effect",
            f"{words.precise_points(result.effect, sign=False)} points at power {target:g}",
        )
    else:
        result = sample_size(effect=cast(float, size), power=target, **options)
        sentence = words.sample_size_sentence(result, cast(float, size), test)
        line = ("problems needed", f"{result.problems} for power {target:g}")
    show(
        f"McNemar {method} at {significance:g}, {discordance} % of problems changing",
        [line, ("status", str(result.status))],
        sentence,
        {"result": result},
        as_json=json_,
    )


def adjust(
    p: Annotated[list[float], typer.Argument(help="p-values of the family.", show_default=False)],
    method: Annotated[str, typer.Option(help="holm, bh or by.")] = "holm",
    family_size: Annotated[
        int | None,
        typer.Option(help="Tests that the family was declared to have; by default those given."),
    ] = None,
    json_: AsJson = False,
) -> None:
    """Adjust p-values for a family of declared size.

    Example: steerstat calc adjust .001 .013 .021 .04 .2 .6 --method holm --family-size 6
    """
    from analysis import words
    from analysis.statistics.families import adjust as adjusted

    result = adjusted(p, method=cast("Adjustment", method), family_size=family_size)
    before, after = map(words.p_value, p), map(words.p_value, result.p)
    lines = list(zip(before, after, strict=True))
    title = f"{result.method} over a family of {result.family_size}: p, adjusted p"
    show(title, lines, words.adjusted_sentence(result), {"result": result}, as_json=json_)


def accuracy(
    k: Annotated[int, typer.Option(help="Problems answered right.")],
    n: Annotated[int, typer.Option(help="Problems.")],
    confidence: ConfidenceOption = 0.95,
    json_: AsJson = False,
) -> None:
    """Wilson's interval of one accuracy.

    Example: steerstat calc accuracy --k 28 --n 86
    """
    from analysis import words
    from analysis.statistics.intervals import wilson

    result = wilson(k, n, confidence=confidence)
    limits = f"{words.precise_interval(result.low, result.high, sign=False)} %"
    sentence = (
        f"The accuracy is {words.percent(result.estimate)} ({words.level(confidence)} interval "
        f"{limits}); two such intervals say nothing about a difference on the same problems."
    )
    lines = [
        ("accuracy", f"{words.precise_points(result.estimate, sign=False)} %"),
        ("Wilson", limits),
    ]
    show(f"{k} of {n} right", lines, sentence, {"result": result}, as_json=json_)


def strata(
    gained: Annotated[str, typer.Option(help="Gained per stratum, with commas.")],
    lost: Annotated[str, typer.Option(help="Lost per stratum.")],
    n: Annotated[str, typer.Option(help="Problems per stratum.")],
    confidence: ConfidenceOption = 0.95,
    json_: AsJson = False,
) -> None:
    """Does steering act differently on easy and hard problems? Both scales.

    Example: steerstat calc strata --gained 3,1 --lost 0,2 --n 40,46
    """
    import numpy as np

    from analysis import words
    from analysis.statistics.strata import stratified_difference, stratum_homogeneity

    counts = []
    for name, text in (("--gained", gained), ("--lost", lost), ("--n", n)):
        counts.append([float(value) for value in numbers(name, text)])
    result = stratified_difference(counts[0], counts[1], counts[2], confidence=confidence)
    odds = stratum_homogeneity(counts[0], counts[1])
    strata = result.strata
    lines = [
        (
            f"stratum {name}, n = {size}",
            f"{words.precise_points(e)} ({words.precise_interval(low, high)}), "
            f"mid-p {words.p_value(p)}",
        )
        for name, size, e, low, high, p in zip(
            result.names,
            strata.n.tolist(),
            *map(np.atleast_1d, (strata.estimate, strata.low, strata.high, strata.p)),
            strict=True,
        )
    ]
    lines.append(("contrast, points", words.precise_points(result.contrast)))
    lines.append(
        ("its interval", words.precise_interval(result.contrast_low, result.contrast_high))
    )
    lines.append(("odds alike, p", words.p_value(odds.p)))
    differs = result.contrast_low > 0 or result.contrast_high < 0
    sentence = (
        f"In points the strata {'differ' if differs else 'are not shown to differ'}; in odds "
        f"gained:lost they {'differ' if odds.p <= 1 - confidence else 'are not shown to differ'} "
        f"({words.p_is(odds.p)}). Equal effects in points can be unequal in odds, so both are "
        "shown, and strata must not be cut from the baseline that is tested."
    )
    payload = {"difference": result, "homogeneity": odds}
    title = f"Effect per stratum in points, {result.n} problems in all"
    show(title, lines, sentence, payload, as_json=json_)
