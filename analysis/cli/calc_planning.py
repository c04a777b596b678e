"""The commands of `steerstat calc` for power of other designs, and for all levels at once."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from analysis.cli.showing import (
    SignificanceOption,
    as_fraction,
    as_margin,
    as_rates,
    numbers,
    show,
)
from sql.errors import UserError
from store.cli.options import AsJson
from store.schema import MOST_SEED

Problems = Annotated[int, typer.Option("--n", help="Problems.")]
Changing = Annotated[
    float | None,
    typer.Option(help="Share of problems that change, in percent; by default refused."),
]
Gained = Annotated[int, typer.Option(help="Wrong at baseline, right when steered.")]
Lost = Annotated[int, typer.Option(help="Right at baseline, wrong when steered.")]


def unconditional(
    gained: Gained,
    lost: Lost,
    n: Problems,
    method: Annotated[str, typer.Option(help="suissa-shuster or berger-boos.")] = "suissa-shuster",
    json_: AsJson = False,
) -> None:
    """The exact unconditional test: never above its level, over all rates of change.

    Example: steerstat calc unconditional --gained 1 --lost 7 --n 21
    """
    from analysis import words
    from analysis.statistics.unconditional import unconditional_test

    result = unconditional_test(gained, lost, n, method=cast(Any, method))
    lines = [("p", words.p_value(result.p)), ("status", str(result.status))]
    if gained + lost:
        change = words.precise_points(result.discordance, sign=False)
        lines.insert(1, ("largest at", f"{change} % of problems changing"))
    sentence = (
        f"The exact unconditional test gives {words.p_is(result.p)}: the largest chance of a "
        "difference as clear as this one, over every rate of change. It stands beside mid-p, "
        "which decides."
    )
    show(f"{gained} gained, {lost} lost of {n}", lines, sentence, {"result": result}, as_json=json_)


def curve(gained: Gained, lost: Lost, n: Problems, json_: AsJson = False) -> None:
    """Tango's limits at every level at once: the confidence curve.

    Example: steerstat calc curve --gained 4 --lost 2 --n 86
    """
    from analysis import words
    from analysis.statistics.curve import confidence_curve

    result = confidence_curve(gained, lost, n)
    shown = {0.5, 0.8, 0.9, 0.95, 0.99, 0.999}
    lines = [
        (words.level(level), words.precise_interval(low, high))
        for level, low, high in zip(result.levels, result.low, result.high, strict=True)
        if round(float(level), 6) in shown
    ]
    sentence = (
        "Every effect inside the limits of a level has a score p above 1 minus that level; "
        "--json has all levels as arrays, to be drawn."
    )
    title = f"{gained} gained, {lost} lost of {n}: change in points"
    show(title, lines, sentence, {"result": result}, as_json=json_)


def equivalence_power(
    n: Problems,
    margin: Annotated[
        float | None,
        typer.Option(help="Largest change that does not matter, in points; by default refused."),
    ] = None,
    discordance: Changing = None,
    effect: Annotated[float, typer.Option(help="True change in points.")] = 0.0,
    no_harm: Annotated[bool, typer.Option(help="One side: non-inferiority.")] = False,
    significance: SignificanceOption = 0.05,
    json_: AsJson = False,
) -> None:
    """How likely is it that equivalence, or no harm, will be shown?

    Example: steerstat calc equivalence-power --n 300 --margin 5 --discordance 10
    """
    from analysis.statistics import power_designs

    size, rate = as_rates(("--effect", effect), discordance, n=n)
    result = power_designs.equivalence_power(
        n,
        margin=as_margin(margin, n=n),
        discordance=rate,
        effect=size,
        one_sided=no_harm,
        significance=significance,
    )
    what = "that no more is lost than" if no_harm else "equivalence within"
    sentence = (
        f"With {n} problems of which {discordance:g} % change and a true change of {effect:g} "
        f"points, {what} {margin:g} points is shown with probability {result.power:.3f}."
    )
    _show_power(f"{result.method}, {n} problems", result, sentence, as_json=json_)


def _show_power(title: str, result: Any, sentence: str, *, as_json: bool) -> None:
    """Print the power of a design and its status."""
    from analysis import words

    lines = [("power", words.precise(result.power)), ("status", str(result.status))]
    show(title, lines, sentence, {"result": result}, as_json=as_json)


def signed_power(
    n: Problems,
    effect: Annotated[float, typer.Option(help="[f(a) − f(−a)]/2 in points.")],
    discordance: Annotated[
        float | None,
        typer.Option(help="Answered differently at +a and −a, in percent; by default refused."),
    ] = None,
    significance: SignificanceOption = 0.05,
    json_: AsJson = False,
) -> None:
    """Power for a signed effect at one dose: the exact test between +a and −a.

    Example: steerstat calc signed-power --n 300 --effect 3 --discordance 20
    """
    from analysis.statistics import power_designs

    size, rate = as_rates(("--effect", effect), discordance, n=n, times=2)
    result = power_designs.signed_power(
        n,
        signed=size,
        discordance=rate,
        significance=significance,
    )
    sentence = (
        f"With {n} problems, {discordance:g} % of them answered differently at +a and −a, a signed "
        f"effect of {effect:g} points is found with probability {result.power:.3f}."
    )
    _show_power(f"signed effect, {n} problems", result, sentence, as_json=json_)


def trend_power(
    n: Problems,
    slope: Annotated[float, typer.Option(help="Points per unit of alpha.")],
    alphas: Annotated[str, typer.Option(help="Sizes run as +a and −a, with commas.")],
    discordance: Annotated[
        float | None,
        typer.Option(help="Answered differently at +a and −a, in percent; by default refused."),
    ] = None,
    correlation: Annotated[
        float, typer.Option(help="Of these differences at two sizes, over problems.")
    ] = 0.0,
    significance: SignificanceOption = 0.05,
    json_: AsJson = False,
) -> None:
    """Power of the reflection test of a slope over ±alpha (normal approximation).

    Example: steerstat calc trend-power --n 86 --slope 2 --alphas 1,2,3 --discordance 20
    """
    from analysis import words
    from analysis.statistics import power_designs

    sizes = [float(one) for one in numbers("--alphas", alphas)]
    farthest = max(sizes, default=0.0, key=abs)
    _, rate = as_rates(("--slope at the largest alpha,", slope * farthest), discordance, times=2)
    result = power_designs.trend_power(
        n,
        slope=as_fraction("--slope", slope),
        alphas=sizes,
        discordance=rate,
        correlation=correlation,
        significance=significance,
    )
    sentence = (
        f"With {n} problems and ± {alphas}, a slope of {slope:g} points per unit of alpha is found "
        f"with probability {result.power:.3f} (normal approximation)."
    )
    lines = [
        ("power", words.precise(result.power)),
        ("standard error", f"{words.precise_points(result.standard_error, sign=False)} points"),
        ("status", str(result.status)),
    ]
    show(f"trend, {n} problems", lines, sentence, {"result": result}, as_json=json_)


def verdict_power(
    n: Problems,
    effect: Annotated[
        float, typer.Option(help="Signed effect [f(a) − f(−a)]/2 at the largest dose, in points.")
    ],
    accuracy: Annotated[float, typer.Option(help="Right without steering, in percent.")],
    control_sd: Annotated[
        float,
        typer.Option(help="SD of the controls' signed effects there, in points, without noise."),
    ],
    k: Annotated[int, typer.Option(help="Number of control directions.")] = 99,
    alphas: Annotated[str, typer.Option(help="Sizes run as +a and −a, with commas.")] = "1,2,3",
    experiments: Annotated[int, typer.Option(help="Simulated experiments.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.", min=0, max=MOST_SEED)] = 0,
    json_: AsJson = False,
) -> None:
    """How likely is the verdict "supported"? Whole experiments through the report's rules.

    Example: steerstat calc verdict-power --n 200 --effect 20 --accuracy 60 --control-sd 5 --k 39
    """
    import numpy as np

    from analysis import words
    from analysis.calibration import verdict_power as power

    sizes = [float(one) for one in numbers("--alphas", alphas)]
    if not sizes or min(sizes) <= 0:
        raise UserError(f"--alphas {alphas!r}: pass the sizes a > 0 that are run as +a and -a")
    for name, value in (("--accuracy", accuracy), ("--control-sd", control_sd)):
        if not 0 < value < 100:
            raise UserError(f"{name} {value:g}: pass a number between 0 and 100")
    result = power(
        n,
        effect=as_fraction("--effect", effect, n=n),
        accuracy=accuracy / 100,
        control_sd=control_sd / 100,
        k=k,
        doses=[*(-size for size in sizes), *sizes],
        experiments=experiments,
        rng=np.random.default_rng(seed),
    )
    lines = [
        ("supported", f"{result.power:.3f} ± {result.standard_error:.3f}"),
        ("not supported", f"{result.not_supported:.3f}"),
        ("inconclusive", f"{result.inconclusive:.3f}"),
        ("gap", f"{words.precise(result.gap)} SD of the controls"),
        ("status", str(result.status)),
    ]
    sentence = (
        f"In {result.power:.3f} of {experiments} simulated experiments (Monte-Carlo standard error "
        f"{result.standard_error:.3f}) a candidate with a signed effect of {effect:g} points among "
        f"{k} controls on {n} problems is supported."
    )
    title = f"Verdicts on either claim, {n} problems, {k} controls, ± {alphas}"
    show(title, lines, sentence, {"result": result}, as_json=json_)
