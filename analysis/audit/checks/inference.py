"""Checks of what was concluded: on which problems, of how many tests, with what plan."""

from __future__ import annotations

import pandas as pd

from analysis import words
from analysis.audit.case import Case, records
from analysis.audit.check import check
from analysis.audit.copies import Edit
from analysis.audit.finding import NotApplicable, Seen
from analysis.audit.plans import stamps_of


def _results(case: Case) -> int:
    count = len(case.view("results"))
    if not count:
        raise NotApplicable("no results are stored (`steerstat analyze`)")
    return count


@check(
    "inference/selected_set",
    "A test set was chosen by the outcome that is tested on it.",
    action="Draw a test set at random (`steerstat problems split --random`) and test there.",
    reference="Regression to the mean; docs/statistics.md, selection.",
    needs="outcomes",
)
def selected_set(case: Case) -> Seen:
    """Candidates tested on a set that was balanced on the baseline."""
    effects = case.tested
    asked = case.ask("inference_selected_set")
    names = sorted(set(asked.rows.get("set_name", ())))
    return Seen(
        checked=len(effects["set_name"].unique()),
        rows=asked.rows,
        sql=asked.sql,
        affected=len(names),
        said=f"{', '.join(names)} was chosen by the baseline outcomes it is tested against: 10 % "
        "of right answers that flip at random are a gain of 8.9 points on such a set.",
        least="weakens",
        edit=Edit(sets=names),
        unknown=True,
    )


@check(
    "inference/best_of_many",
    "An effect is significant at the best of several doses, and not once the search is paid for.",
    action="Report the corrected p, and the estimate of a split (`trends` has both).",
    reference="Westfall and Young (1993), max-T; docs/statistics.md, best alpha.",
    needs="outcomes",
)
def best_of_many(case: Case) -> Seen:
    """Candidates whose best dose is significant by itself alone."""
    effects, asked = case.tested, case.ask("inference_best_of_many")
    first = asked.first
    return Seen(
        checked=len(effects.drop_duplicates(["direction", "set_name"])),
        rows=asked.rows,
        sql=asked.sql,
        said=f"{first.get('direction')} at α = {words.alpha(float(first.get('alpha') or 0))} has "
        f"{words.p_is(first.get('least_p'))}, and {words.p_is(first.get('corrected'))} as the best "
        f"of {first.get('doses')} doses.",
        least="weakens",
        quantity="effect at the best dose",
        estimate=first.get("estimate"),
    )


@check(
    "inference/pooled_seeds",
    "A test of pairs counts the seeds of one problem as if they were problems.",
    action="Average seeds within a problem, and test over problems.",
    reference="Pooling 60 problems × 8 seeds has size .11 to .21; docs/statistics.md, seeds.",
)
def pooled_seeds(case: Case) -> Seen:
    """Stored tests with more pairs than problems."""
    checked, asked = _results(case), case.ask("inference_pooled_seeds")
    first = asked.first
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{words.counted(len(asked), 'stored test')} of pairs have more of them than there "
        f"are problems ({first.get('n')} of {first.get('problems')}).",
        least="decides",
    )


@check(
    "inference/unpaired",
    "Steered outcomes have no baseline outcome of the same problem: they are compared unpaired.",
    action="Run the baseline on the same problems; effects here are of pairs alone.",
    needs="outcomes",
)
def unpaired(case: Case) -> Seen:
    """Steered outcomes without a partner."""
    asked = case.ask("inference_unpaired")
    accuracy = case.view("accuracy_by_alpha")
    checked = int(accuracy[accuracy["direction"].notna()]["n"].sum())
    if not checked:
        raise NotApplicable("nothing was steered")
    alone = int(asked.rows["alone"].sum()) if len(asked) else 0
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        affected=alone,
        said=f"{words.counted(alone, 'steered outcome')} have no baseline outcome beside them.",
        least="weakens",
        edit=Edit(conditions=asked.column("condition_id") if len(asked) else ()),
    )


@check(
    "inference/zero_error",
    "A result has an interval of no width although something varies (0 < k < n).",
    action="Compute the interval with Wilson's or Tango's method; a standard error of 0 is none.",
    reference="Brown, Cai and DasGupta, Statistical Science 16 (2001) 101.",
)
def zero_error(case: Case) -> Seen:
    """Stored results whose limits are equal."""
    checked, asked = _results(case), case.ask("inference_zero_error")
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{words.counted(len(asked), 'stored result')} with an interval of no width.",
        least="weakens",
    )


@check(
    "inference/plan",
    "No plan named the contrast before its data, or what was run departs from it.",
    action="Freeze a plan (`steerstat plan freeze`) before the next sweep; call this exploratory.",
    reference="Simmons, Nelson and Simonsohn, Psychological Science 22 (2011) 1359.",
    needs="outcomes",
)
def plan(case: Case) -> Seen:
    """Candidates and doses that are exploratory."""
    effects, asked = case.tested, case.ask("inference_plan")
    stamps = stamps_of(case)
    rows = [
        row
        for row in records(effects[["direction", "set_name", "protocol", "alpha"]])
        if row["alpha"]
    ]
    late = [row for row in rows if stamps({**row, "against": "baseline"}) == "exploratory"]
    plans = len(stamps.plans)
    there = f"{words.counted(plans, 'plan')} {'was' if plans == 1 else 'were'} frozen"
    return Seen(
        checked=len(rows),
        rows=pd.DataFrame(late),
        sql=asked.sql,
        said=f"{there if plans else 'No plan was frozen'}, and {len(late)} of {len(rows)} effects "
        "were named by none before their data: they are exploratory.",
        least="weakens",
    )


@check(
    "inference/family",
    "The number of tests that are corrected together has changed between stored analyses.",
    action="Correct for the largest family that was ever looked at, and say which it is.",
)
def family(case: Case) -> Seen:
    """Families of stored results whose size is not the same everywhere."""
    checked, asked = _results(case), case.ask("inference_family")
    first = asked.first
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{first.get('family')} is corrected over {first.get('smallest')} tests in one "
        f"analysis and over {first.get('largest')} in another.",
        least="weakens",
    )


@check(
    "inference/fragile",
    "A verdict or a significance hangs on pairs that numerical noise decides.",
    action="Compute them in float32 or float64, unbatched; do not claim what rounding decides.",
    reference="Walsh and others, Journal of Clinical Epidemiology 67 (2014) 622.",
    needs="outcomes",
)
def fragile(case: Case) -> Seen:
    """Fragile pairs, which count where the headline changes without them."""
    effects, asked = case.tested, case.ask("inference_fragile")
    unchanged = [
        {**row, "status": "ok",
         "correct": bool(row["baseline_readable_right"])}
        for row in asked.records
    ]  # fmt: skip
    return Seen(
        checked=int(effects["n"].sum()),
        rows=asked.rows,
        sql=asked.sql,
        said=f"{words.counted(len(asked), 'pair')} changed by less than numerical noise decides.",
        edit=Edit(graded=unchanged),
        only_if_decides=True,
    )


@check(
    "inference/one_sided_late",
    "A stored p is that of a one-sided test that no plan asked for.",
    action="Report the two-sided p: a side that is chosen after the data doubles the error.",
)
def one_sided_late(case: Case) -> Seen:
    """Stored p that are half of the two-sided ones."""
    checked, asked = _results(case), case.ask("inference_one_sided_late")
    turned = asked.rows[asked.rows["two_sided"] > 0.05] if len(asked) else asked.rows
    turned = turned[turned["p"] <= 0.05] if len(turned) else turned
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{words.counted(len(asked), 'stored p')} half of the two-sided one; two-sided, "
        f"{len(turned)} of them are no longer significant.",
        least="decides" if len(turned) else "weakens",
    )


@check(
    "inference/no_control_claim",
    "A direction was steered with and has no controls: nothing says that it is this direction.",
    action="Draw controls of its own (`steerstat directions controls`) and collect them.",
    needs="outcomes",
)
def no_control_claim(case: Case) -> Seen:
    """Candidates without controls."""
    effects, asked = case.tested, case.ask("inference_no_control_claim")
    names = sorted(set(asked.rows.get("direction", ())))
    return Seen(
        checked=len(effects["direction"].unique()),
        rows=asked.rows,
        sql=asked.sql,
        affected=len(names),
        said=f"{', '.join(names[:3])}{' and others' if len(names) > 3 else ''}: any push of that "
        "size might do the same, for no control was run.",
        least="weakens",
    )


@check(
    "inference/simpson",
    "The pooled difference has another sign than that of every stratum.",
    action="Report the strata; the pooled difference is of who was asked, not of steering.",
    reference="Simpson, Journal of the Royal Statistical Society B 13 (1951) 238.",
    needs="outcomes",
)
def simpson(case: Case) -> Seen:
    """Effects whose strata all point the other way."""
    effects, asked = case.tested, case.ask("inference_simpson")
    first = asked.first
    return Seen(
        checked=len(effects),
        rows=asked.rows,
        sql=asked.sql,
        said=f"{first.get('direction')} at α = {words.alpha(float(first.get('alpha') or 0))} moves "
        f"accuracy by {words.points(first.get('pooled'))} points over all, and by "
        f"{words.points(first.get('least'))} to {words.points(first.get('largest'))} in each "
        f"stratum of {first.get('scheme')}.",
        least="decides",
    )
