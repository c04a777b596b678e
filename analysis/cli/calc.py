"""`steerstat calc`: tests and intervals for people who have totals only."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import typer

from analysis.cli import calc_designs, calc_planning
from analysis.cli.showing import (
    Calculator,
    ConfidenceOption,
    SelectedOption,
    as_margin,
    as_rates,
    show,
    stamp,
)
from analysis.vocabulary import IntervalMethod, TestMethod
from sql.errors import UserError
from store.cli.options import AsJson

app = typer.Typer(
    add_completion=False,
    cls=Calculator,
    no_args_is_help=True,
    help="Tests and intervals from totals alone. Effects are given in percentage points, in JSON "
    "as fractions.",
)

Gained = Annotated[int, typer.Option(help="Wrong at baseline, right when steered.")]
Lost = Annotated[int, typer.Option(help="Right at baseline, wrong when steered.")]
Problems = Annotated[int, typer.Option("--n", help="Problems answered both ways.")]


@app.command()
def mcnemar(
    gained: Gained,
    lost: Lost,
    n: Annotated[
        int | None, typer.Option(help="Problems, to count those unchanged; by default not counted.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Outcomes per problem; only 1 can be tested.")] = 1,
    selected: SelectedOption = False,
    json_: AsJson = False,
) -> None:
    """Did steering gain as many problems as it lost?

    Example: steerstat calc mcnemar --gained 4 --lost 2 --n 86
    """
    from analysis import words
    from analysis.statistics import paired
    from analysis.statistics.checks import one_outcome_each
    from analysis.statistics.results import stamped

    one_outcome_each(seeds)
    results = {
        method: paired.mcnemar(gained, lost, method=method, n=n) for method in get_args(TestMethod)
    }
    sign = paired.sign_test(gained, lost, n=n)
    payload = {**results, "sign_test": sign}
    lines = [
        ("McNemar mid-p", f"{words.p_value(results['midp'].p)}  (primary)"),
        ("McNemar exact", words.p_value(results["exact"].p)),
        ("McNemar chi-square", f"{words.p_value(results['chi2'].p)}  (no correction)"),
        ("sign test", words.p_value(sign.p) + (f"  ({sign.dropped} ties dropped)" if n else "")),
        ("status", str(results["midp"].status)),
    ]
    of = f" of {n} problems" if n else ""
    show(
        f"{gained} gained, {lost} lost{of}",
        lines,
        words.mcnemar_sentence(gained, lost, float(results["midp"].p), float(results["exact"].p)),
        {key: stamped(result) for key, result in payload.items()} if selected else payload,
        as_json=json_,
        notes=stamp(selected),
    )


@app.command()
def difference(
    gained: Gained,
    lost: Lost,
    n: Problems,
    confidence: ConfidenceOption = 0.95,
    seeds: Annotated[int, typer.Option(help="Outcomes per problem; only 1 is a pair.")] = 1,
    selected: SelectedOption = False,
    json_: AsJson = False,
) -> None:
    """By how many points did accuracy change? Tango's interval, others beside it.

    Example: steerstat calc difference --gained 4 --lost 2 --n 86
    """
    from analysis import words
    from analysis.statistics import bootstrap, intervals
    from analysis.statistics.checks import one_outcome_each
    from analysis.statistics.results import stamped

    one_outcome_each(seeds)
    tango, price, wald = (
        intervals.paired_difference(gained, lost, n, method=method, confidence=confidence)
        for method in get_args(IntervalMethod)
    )
    boot = bootstrap.bootstrap_difference(gained, lost, n, method="exact", confidence=confidence)
    shown = {"tango": tango, "bonett_price": price, "wald": wald, "bootstrap": boot}
    labels = ("Tango score", "Bonett-Price", "Wald", "bootstrap, exact")
    lines = [("change", f"{words.precise_points(tango.estimate)} points")]
    lines += [
        (label, words.precise_interval(interval.low, interval.high))
        for label, interval in zip(labels, shown.values(), strict=True)
    ]
    lines[1] = (lines[1][0], lines[1][1] + "  (primary)")
    lines += [("McNemar mid-p", words.p_value(tango.p)), ("status", str(tango.status))]
    show(
        f"{gained} gained, {lost} lost of {n} problems, {words.level(confidence)} intervals",
        lines,
        words.difference_sentence(tango),
        {key: stamped(result) for key, result in shown.items()} if selected else shown,
        as_json=json_,
        notes=stamp(selected),
    )


@app.command()
def equivalence(
    gained: Gained,
    lost: Lost,
    n: Problems,
    margin: Annotated[
        float | None,
        typer.Option(help="Largest change that does not matter, in points; by default refused."),
    ] = None,
    no_harm: Annotated[bool, typer.Option(help="One side: non-inferiority.")] = False,
    significance: Annotated[
        float, typer.Option("--significance", help="Level of each one-sided test.")
    ] = 0.05,
    json_: AsJson = False,
) -> None:
    """Is the change smaller than a margin declared beforehand?

    Example: steerstat calc equivalence --gained 1 --lost 1 --n 300 --margin 5
    """
    from analysis import words
    from analysis.statistics import equivalence as margin_tests

    fraction = as_margin(margin, n=n)
    test: Any = margin_tests.non_inferiority if no_harm else margin_tests.equivalence
    result = test(gained, lost, n, margin=fraction, significance=significance)
    lines = [
        ("change", f"{words.precise_points(result.estimate)} points"),
        (
            f"{words.level(result.confidence)} Tango",
            words.precise_interval(result.low, result.high),
        ),
        ("p", words.p_value(result.p)),
        ("shown", "yes" if result.shown else "no"),
        ("status", result.status),
    ]
    title = f"{gained} gained, {lost} lost of {n} problems, margin {margin} points"
    sentence = words.equivalence_sentence(result, one_sided=no_harm)
    show(title, lines, sentence, {"result": result}, as_json=json_)


@app.command()
def discordance(
    gained: Gained,
    lost: Lost,
    n: Problems,
    floor_changed: Annotated[
        int | None,
        typer.Option(
            help="Answers that changed between re-runs of one condition; by default no floor."
        ),
    ] = None,
    floor_n: Annotated[
        int | None, typer.Option(help="Problems re-run; by default no floor.")
    ] = None,
    confidence: ConfidenceOption = 0.95,
    json_: AsJson = False,
) -> None:
    """How much changed behind the net effect, and is it more than churn?

    Example: steerstat calc discordance --gained 4 --lost 2 --n 86
    """
    from analysis import words
    from analysis.statistics import discordance as change

    result = change.discordance(
        gained, lost, n, floor_changed=floor_changed, floor_n=floor_n, confidence=confidence
    )
    lines = [
        ("changed", f"{words.precise_points(result.estimate, sign=False)} %"),
        ("interval", f"{words.precise_interval(result.low, result.high, sign=False)} %"),
        (
            "odds gained:lost",
            f"{words.precise(result.odds)} "
            f"({words.precise_range(result.odds_low, result.odds_high)})",
        ),
        ("status", str(result.status)),
    ]
    sentence = words.discordance_sentence(result, gained, lost)
    show(f"{gained} gained, {lost} lost of {n}", lines, sentence, {"result": result}, as_json=json_)


@app.command()
def look(
    gained: Gained,
    lost: Lost,
    n: Problems,
    planned: Annotated[
        int | None, typer.Option(help="Problems planned in all; by default futility is not judged.")
    ] = None,
    effect: Annotated[
        float | None,
        typer.Option(help="Planned effect in points (futility); by default 5 with --planned."),
    ] = None,
    expected: Annotated[
        float | None,
        typer.Option(
            "--discordance",
            help="Expected share that changes, in percent; by default 15 with --planned.",
        ),
    ] = None,
    confidence: ConfidenceOption = 0.95,
    json_: AsJson = False,
) -> None:
    """May one stop now? E-value and limits that allow any number of looks, and futility.

    Example: steerstat calc look --gained 2 --lost 14 --n 120 --planned 400
    """
    from analysis import words
    from analysis.statistics import sequential

    if planned is None and (effect is not None or expected is not None):
        raise UserError("--effect and --discordance are those of a plan: pass --planned as well")
    if planned is not None and planned < n:
        raise UserError(f"--planned {planned} is less than the {n} problems already seen (--n)")
    size, rate = as_rates(
        ("--effect", 5.0 if effect is None else effect),
        15.0 if expected is None else expected,
        n=planned,
    )
    e = sequential.e_value(gained, lost)
    limits = sequential.confidence_sequence(gained, lost, n, confidence=confidence)
    future = None
    if planned is not None and e.e < 1 / (1 - confidence):
        future = sequential.futility(
            gained,
            lost,
            n,
            planned_n=planned,
            effect=size,
            discordance=rate,
            method="e-value",
        )
    lines = [
        ("e-value", f"{words.precise(e.e, 6)}  (Bayes factor: {e.prior})"),
        ("p at any look", words.p_value(e.p)),
        (
            "share gained",
            f"{words.precise_range(limits.share_low, limits.share_high)} at any look",
        ),
        ("limits at any look", f"{words.precise_interval(limits.low, limits.high)} points"),
    ]
    if future is not None:
        lines.append(("conditional power", words.precise(future.conditional_power)))
        lines.append(("stop for futility", "yes" if future.stop else "no"))
    show(
        f"{gained} gained, {lost} lost of {n} problems so far",
        lines,
        words.look_sentence(e, limits, 1 / (1 - confidence)),
        {"e_value": e, "confidence_sequence": limits, "futility": future},
        as_json=json_,
    )


@app.command()
def missing(
    table: Annotated[
        str,
        typer.Option(help="Rows baseline right; wrong; missing. Columns the same when steered."),
    ],
    confidence: ConfidenceOption = 0.95,
    json_: AsJson = False,
) -> None:
    """What if some outcomes could not be read? Complete cases, as wrong, and bounds.

    Example: steerstat calc missing --table "26,2,0; 4,50,2; 1,0,1"
    """
    from analysis import words
    from analysis.statistics import missing as module

    try:
        cells = [[int(cell) for cell in row.split(",")] for row in table.split(";")]
        if [len(row) for row in cells] != [3, 3, 3]:
            raise ValueError(table)
    except ValueError:
        raise UserError(
            f"--table {table!r}: pass 3 x 3 counts such as '26,2,0;4,50,2;1,0,1'"
        ) from None
    result = module.missing_bounds(cells, confidence=confidence)
    lines = [
        (
            "missing = wrong",
            f"{words.precise_points(result.estimate)} points, mid-p {words.p_value(result.p)}",
        ),
        ("its interval", words.precise_interval(result.low, result.high)),
        ("effect, bounds", words.precise_interval(result.low_effect, result.high_effect)),
        ("interval, bounds", words.precise_interval(result.low_bound, result.high_bound)),
        ("mid-p, bounds", f"{words.p_value(result.p_low)} to {words.p_value(result.p_high)}"),
    ]
    if result.complete is not None:
        cases = result.complete
        complete = (
            f"{words.precise_points(cases.estimate)} points, mid-p {words.p_value(cases.p)}, "
            f"n = {cases.n}"
        )
        lines.insert(0, ("complete cases", complete))
    sentence = words.missing_sentence(result)
    show(f"{result.n} pairs", lines, sentence, {"result": result}, as_json=json_)


@app.command()
def fragility(
    gained: Gained,
    lost: Lost,
    n: Problems,
    fragile_gained: Annotated[int, typer.Option(help="Fragile pairs among the gained.")] = 0,
    fragile_lost: Annotated[int, typer.Option(help="Fragile pairs among the lost.")] = 0,
    fragile_unchanged: Annotated[int, typer.Option(help="Fragile pairs among the rest.")] = 0,
    confidence: ConfidenceOption = 0.95,
    json_: AsJson = False,
) -> None:
    """Does the decision survive pairs that hang on rounding errors?

    Example: steerstat calc fragility --gained 7 --lost 18 --n 86 --fragile-lost 2
    """
    from analysis import words
    from analysis.statistics import fragility as fragility_index

    result = fragility_index.fragility(
        gained,
        lost,
        n,
        fragile_gained=fragile_gained,
        fragile_lost=fragile_lost,
        fragile_unchanged=fragile_unchanged,
        confidence=confidence,
    )
    lines = [
        ("mid-p, all pairs", words.p_value(result.p)),
        ("mid-p, each flipped", words.p_value(result.worst.p)),
        ("mid-p, range", f"{words.p_value(result.p_low)} to {words.p_value(result.p_high)}"),
        ("decision", "unchanged" if result.decision_unchanged else "changes"),
    ]
    if result.without is not None:
        lines.insert(1, ("mid-p, without them", words.p_value(result.without.p)))
    title = f"{gained} gained, {lost} lost of {n}, {result.dropped} fragile"
    sentence = words.fragility_sentence(result)
    show(title, lines, sentence, {"result": result}, as_json=json_)


app.command()(calc_designs.controls)
app.command()(calc_designs.controls_power)
app.command()(calc_designs.power)
app.command()(calc_designs.adjust)
app.command()(calc_designs.accuracy)
app.command()(calc_designs.strata)
for command in (
    calc_planning.unconditional,
    calc_planning.curve,
    calc_planning.equivalence_power,
    calc_planning.signed_power,
    calc_planning.trend_power,
    calc_planning.verdict_power,
):
    app.command()(command)
