"""Checks of a document: do its numbers follow from what it prints, and from the store?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis import words
from analysis.audit import counted, printed
from analysis.audit.case import Case, Document, records
from analysis.audit.check import check
from analysis.audit.finding import CouldNotRun, NotApplicable, Seen
from analysis.claims.printed import Figure, Interval, agrees
from analysis.vocabulary import SIGNIFICANCE

SETS, CLAIMS = "FROM sets_overview", "FROM claims"


def _document(case: Case) -> Document:
    if case.document is None:
        raise NotApplicable("no document was given (--document)")
    return case.document


def _own_claims(case: Case) -> pd.DataFrame:
    """The claims that the store keeps of the document, known by its title or its file."""
    document, claims = _document(case), case.view("claims")
    names = [*printed.titles(document.text, latex=document.latex), document.path.stem]
    return claims[claims["document"].isin(names)] if len(claims) else claims


def _told(case: Case, rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows).assign(document=str(_document(case).path.name))


@check(
    "report/grim",
    "A printed percentage is that of no whole number of problems.",
    action="Print the counts beside the percentages.",
    reference="Brown and Heathers, Social Psychological and Personality Science 8 (2017) 363.",
    needs="document",
)
def grim(case: Case) -> Seen:
    """Accuracies that no count of the named numbers of problems prints as."""
    document = _document(case)
    sets = case.view("sets_overview")
    named = printed.sizes(document.seen)
    held = [n for n in named if n in set(sets["n"])] if len(sets) else []
    known = printed.with_seeds(document.seen, held or named)
    shares = list(printed.percentages(document.text, latex=document.latex))
    if not known and not any(one.sizes for one in shares):
        raise CouldNotRun("the document names no number of problems")
    if not shares:
        raise CouldNotRun("no table of the document has a column of accuracies of these problems")
    wrong: list[dict[str, Any]] = [
        {"printed": one.figure.text, "row": one.row, "line": one.line}
        for one in shares
        if not one.possible(known)
    ]
    of = " or ".join(map(str, dict.fromkeys([*known, *(n for one in shares for n in one.sizes)])))
    return Seen(
        checked=len(shares),
        rows=_told(case, wrong) if wrong else pd.DataFrame(),
        sql=SETS,
        said=f"{words.counted(len(wrong), 'printed share')} of no whole number of {of} problems: "
        f"{', '.join(row['printed'] for row in wrong[:3])}.",
        least="decides",
    )


@check(
    "report/p_from_counts",
    "A printed p does not follow from the counts beside it by any common test.",
    action="Recompute it (`steerstat calc pairs`), and say which test it is.",
    reference="Nuijten and others, Behavior Research Methods 48 (2016) 1205 (statcheck).",
    needs="document",
)
def p_from_counts(case: Case) -> Seen:
    """Printed p that no test of the printed counts gives."""
    document = _document(case)
    tests = list(counted.printed_tests(document.text, latex=document.latex))
    if not tests:
        raise NotApplicable("the document prints no p beside counts of gained and lost")
    wrong, turned = [], 0
    for one in tests:
        possible = _possible_p(one)
        told = ", ".join(f"{name} {p:.2g}" for name, p in possible.items())
        if not _is_p(one.figure):
            turned += 1
            told = f"no p, which lies in [0, 1]: {told}"
        elif any(_agrees(one.figure, p) for p in possible.values()):
            continue
        else:
            turned += {p <= SIGNIFICANCE for p in possible.values()} == {not _claimed(one.figure)}
        wrong.append({"printed": one.text, "line": one.line, "recomputed": told})
    return Seen(
        checked=len(tests),
        rows=_told(case, wrong) if wrong else pd.DataFrame(),
        sql=CLAIMS,
        said=f"{len(wrong)} printed p follow from no test of the counts beside them, and {turned} "
        f"of them are impossible or lie on the other side of .05 ({_both(wrong)}).",
        least="decides" if turned else "biases",
    )


def _possible_p(one: counted.PrintedTest) -> dict[str, float]:
    """What the usual tests give; of a one-sided test for either side."""
    from scipy import stats

    from analysis.statistics.paired import mcnemar

    gained, changed = one.gained, one.gained + one.lost
    if one.one_sided:
        up, down, tie = (
            float(stats.binom.sf(gained - 1, changed, 0.5)),
            float(stats.binom.cdf(gained, changed, 0.5)),
            float(stats.binom.pmf(gained, changed, 0.5)),
        )
        chi = float(stats.norm.sf((gained - one.lost) / changed**0.5)) if changed else 0.5
        sides = {"exact": (up, down), "mid-p": (up - tie / 2, down - tie / 2)}
        sides["chi-square"] = (chi, 1 - chi)
        return {
            f"{name}, {side}": p
            for name, both in sides.items()
            for side, p in zip(("more gained", "more lost"), both, strict=True)
        }
    possible = {
        "mid-p": float(mcnemar(gained, one.lost, method="midp").p),
        "exact": float(mcnemar(gained, one.lost, method="exact").p),
    }
    if changed:
        possible["chi-square"] = float(mcnemar(gained, one.lost, method="chi2").p)
        # Edwards' correction for continuity, which many programs make unasked.
        corrected = max(abs(gained - one.lost) - 1, 0) ** 2 / changed
        possible["chi-square with correction"] = float(stats.chi2.sf(corrected, 1))
    return possible


def _is_p(figure: Figure) -> bool:
    """Whether any p-value prints so."""
    low, high = figure.limits
    below, above = figure.relation in ("<", "<="), figure.relation in (">", ">=")
    return high >= 0 and low <= 1 and not (below and figure <= 0) and not (above and figure >= 1)


def _agrees(figure: Figure, p: float) -> bool:
    """Whether a p prints as the document's, or lies where it says (a bound may be touched)."""
    return agrees(p, figure) or (figure.relation in ("<", ">") and p == figure)


def _claimed(figure: Figure) -> bool:
    """Whether a printed p says that something is significant."""
    return figure.relation not in (">", ">=") and figure <= SIGNIFICANCE


def _both(wrong: Sequence[dict[str, Any]]) -> str:
    return f"“{wrong[0]['printed']}” is {wrong[0]['recomputed']}" if wrong else ""


@check(
    "report/interval",
    "A printed interval does not follow from the counts beside it by any common method.",
    action="Recompute it (`steerstat calc pairs`), and say which interval it is.",
    needs="document",
)
def interval(case: Case) -> Seen:
    """Printed intervals that no method gives for the printed counts."""
    document = _document(case)
    intervals = list(counted.printed_intervals(document.text, latex=document.latex))
    if not intervals:
        raise NotApplicable("the document prints no interval beside counts of gained and lost")
    wrong, turned = [], 0
    for one in intervals:
        possible = _possible_intervals(one)
        limits = one.limits
        if any(_same_limits(limits, *found) for found in possible.values()):
            continue
        excludes = {low > 0 or high < 0 for low, high in possible.values()}
        turned += not possible or excludes == {not (limits.low > 0 or limits.high < 0)}
        told = ", ".join(f"{name} {words.interval(*both)}" for name, both in possible.items())
        told = told or f"of no {one.n} problems: {one.gained + one.lost} of them changed"
        wrong.append({"printed": one.text, "line": one.line, "recomputed": told})
    return Seen(
        checked=len(intervals),
        rows=_told(case, wrong) if wrong else pd.DataFrame(),
        sql=CLAIMS,
        said=f"{len(wrong)} printed intervals follow from no method, and {turned} of them are "
        f"impossible or say otherwise whether 0 is excluded ({_both(wrong)}).",
        least="decides" if turned else "biases",
    )


def _possible_intervals(one: counted.PrintedInterval) -> dict[str, tuple[float, float]]:
    """What the usual methods give; empty where more problems changed than there are."""
    from analysis.statistics.intervals import paired_difference
    from sql.errors import Refusal

    try:
        found = {
            method: paired_difference(
                one.gained, one.lost, one.n, method=method, confidence=one.confidence
            )
            for method in ("tango", "bonett-price", "wald")
        }
    except Refusal:
        return {}
    return {name: (float(each.low), float(each.high)) for name, each in found.items()}


def _same_limits(limits: Interval, low: float, high: float) -> bool:
    """Whether limits print so: in their unit, and without one as points or as fractions."""
    scales = (1, 100) if limits.high.factor == 1 else (1,)
    return any(agrees(low * k, limits.low) and agrees(high * k, limits.high) for k in scales)


@check(
    "report/stale_figure",
    "A figure of the document is not what the store gives today.",
    action="Write the current values (`steerstat claims render`).",
    needs="document",
)
def stale_figure(case: Case) -> Seen:
    """Claims about the document that the store keeps and that did not hold."""
    own = _own_claims(case)
    if own.empty:
        raise NotApplicable("the store keeps no claims of this document (`claims check --keep`)")
    stale = own[~own["verdict"].isin(["PASS", "UNDETERMINED", "UNSUPPORTED"])]
    drifted = int(stale["verdict"].isin(["DECISION-DRIFT", "DEVIATED", "FAIL"]).sum())
    first = records(stale)[0] if len(stale) else {}
    return Seen(
        checked=len(own),
        rows=stale,
        sql=CLAIMS,
        said=f"{len(stale)} of {len(own)} claims do not hold any more, {drifted} of them with "
        f"another conclusion: {first.get('text')} is printed as {first.get('printed')} and is "
        f"{first.get('recomputed')}.",
        least="decides" if drifted else "biases",
    )


@check(
    "report/uncovered_numbers",
    "Numbers of the document follow from nothing that can be checked.",
    action="Bind them (`steerstat claims draft`), and keep the verdicts (`claims check --keep`).",
    needs="document",
)
def uncovered_numbers(case: Case) -> Seen:
    """Numbers that no kept claim prints."""
    from analysis.claims.numbers import numbers_in
    from analysis.claims.parsing import parse_document
    from analysis.claims.scan import scan_document

    document = _document(case)
    figures = [one for one in _own_claims(case).get("printed", ()) if one]
    latex = document.latex
    bare = scan_document(document.text, figures, latex=latex)
    return Seen(
        checked=sum(1 for _ in numbers_in(parse_document(document.text, latex=latex))),
        rows=_told(case, [one.as_dict() for one in bare]) if bare else pd.DataFrame(),
        sql=CLAIMS,
        said=f"{len(bare)} numbers of the document are in no claim that the store keeps.",
    )


@check(
    "report/settings",
    "The document names numbers of problems or controls that are not those of the store.",
    action="Correct the document, or say which part of the store it is about.",
    needs="document",
)
def settings(case: Case) -> Seen:
    """Numbers of problems and controls that the store does not have."""
    text = _document(case).seen
    sets, directions = case.view("sets_overview"), case.view("directions")
    held = {int(n) for n in sets["n"]} if len(sets) else set()
    held |= {len(case.view("problems")), sum(held)}
    # Half a balanced set is named as often as the whole.
    held |= {int(n) for n in sets["n_label_true"]} if len(sets) else set()
    named = [("problems", n, held) for n in printed.sizes(text)]
    if len(directions):
        owned = directions[directions["role"] == "control"].groupby("parent_id").size()
        counts = {int(n) for n in owned} | {int((directions["role"] == "control").sum())}
        named += [("control directions", n, counts) for n in printed.control_counts(text)]
    if not named:
        raise NotApplicable("the document names no number of problems or control directions")
    wrong = [
        {"what": what, "printed": n, "in_store": ", ".join(map(str, sorted(known)))}
        for what, n, known in named
        if n not in known
    ]
    first: dict[str, Any] = wrong[0] if wrong else {}
    return Seen(
        checked=len(named),
        rows=_told(case, wrong) if wrong else pd.DataFrame(),
        sql=SETS,
        said=f"{len(wrong)} of {len(named)} settings are not those of the store: it has "
        f"{first.get('in_store')} {first.get('what')}, not {first.get('printed')}.",
        least="weakens",
    )
