"""Checks of a document: do its numbers follow from what it prints, and from the store?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis import words
from analysis.audit import printed
from analysis.audit.case import Case, Document, records
from analysis.audit.check import check
from analysis.audit.finding import CouldNotRun, NotApplicable, Seen
from analysis.claims.grim import possible_counts
from analysis.vocabulary import SIGNIFICANCE

SETS, CLAIMS = "FROM sets_overview", "FROM claims"


def _document(case: Case) -> Document:
    if case.document is None:
        raise NotApplicable("no document was given (--document)")
    return case.document


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
    text, latex = _document(case).text, _document(case).path.suffix == ".tex"
    sets = case.view("sets_overview")
    named = printed.sizes(text)
    known = [n for n in named if n in set(sets["n"])] if len(sets) else []
    known = known or named
    if not known:
        raise CouldNotRun("the document names no number of problems")
    shares = list(printed.percentages(text, latex=latex))
    if not shares:
        raise CouldNotRun("no table of the document has a column of accuracies")
    wrong: list[dict[str, Any]] = [
        {"printed": one.figure.text, "row": one.row, "line": one.line}
        for one in shares
        if not any(possible_counts(one.figure, n) for n in known)
    ]
    of = " or ".join(map(str, known))
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
    tests = list(printed.printed_tests(_document(case).text))
    if not tests:
        raise NotApplicable("the document prints no p beside counts of gained and lost")
    wrong, turned = [], 0
    for one in tests:
        possible = _possible_p(one.gained, one.lost)
        if any(_agrees(one, p) for p in possible.values()):
            continue
        sides = {p <= SIGNIFICANCE for p in possible.values()}
        claimed = one.p <= SIGNIFICANCE if one.sign in "<≤=" else one.p < SIGNIFICANCE
        turned += sides == {not claimed}
        told = ", ".join(f"{name} {words.p_value(p)}" for name, p in possible.items())
        wrong.append({"printed": one.text, "line": one.line, "recomputed": told})
    return Seen(
        checked=len(tests),
        rows=_told(case, wrong) if wrong else pd.DataFrame(),
        sql=CLAIMS,
        said=f"{len(wrong)} printed p follow from no test of the counts beside them, and {turned} "
        f"of them lie on the other side of .05 ({_both(wrong)}).",
        least="decides" if turned else "biases",
    )


def _possible_p(gained: int, lost: int) -> dict[str, float]:
    from analysis.statistics.paired import mcnemar

    two_sided = {
        "mid-p": float(mcnemar(gained, lost, method="midp").p),
        "exact": float(mcnemar(gained, lost, method="exact").p),
    }
    if gained + lost:
        two_sided["chi-square"] = float(mcnemar(gained, lost, method="chi2").p)
    return two_sided


def _agrees(one: printed.PrintedTest, p: float) -> bool:
    """Whether a p prints as the document's, or lies where it says."""
    if one.sign == "=":
        return abs(p - one.p) <= 0.5 * 10**-one.decimals + 1e-12
    return p <= one.p if one.sign in "<≤" else p >= one.p


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
    intervals = list(printed.printed_intervals(_document(case).text))
    if not intervals:
        raise NotApplicable("the document prints no interval beside counts of gained and lost")
    wrong, turned = [], 0
    for one in intervals:
        possible = _possible_intervals(one.gained, one.lost, one.n)
        half = 0.5 * 10**-one.decimals / 100 + 1e-12
        if any(abs(low - one.low) <= half and abs(high - one.high) <= half
               for low, high in possible.values()):  # fmt: skip
            continue
        excludes = {low > 0 or high < 0 for low, high in possible.values()}
        turned += excludes == {not (one.low > 0 or one.high < 0)}
        told = ", ".join(f"{name} {words.interval(*both)}" for name, both in possible.items())
        wrong.append({"printed": one.text, "line": one.line, "recomputed": told})
    return Seen(
        checked=len(intervals),
        rows=_told(case, wrong) if wrong else pd.DataFrame(),
        sql=CLAIMS,
        said=f"{len(wrong)} printed intervals follow from no method, and {turned} of them say "
        f"otherwise whether 0 is excluded ({_both(wrong)}).",
        least="decides" if turned else "biases",
    )


def _possible_intervals(gained: int, lost: int, n: int) -> dict[str, tuple[float, float]]:
    from analysis.statistics.intervals import paired_difference
    from sql.errors import Refusal

    try:
        found = {
            method: paired_difference(gained, lost, n, method=method)
            for method in ("tango", "bonett-price", "wald")
        }
    except Refusal:  # more changed pairs than problems: no interval is of such counts
        return {}
    return {name: (float(one.low), float(one.high)) for name, one in found.items()}


@check(
    "report/stale_figure",
    "A figure of the document is not what the store gives today.",
    action="Write the current values (`steerstat claims render`).",
    needs="document",
)
def stale_figure(case: Case) -> Seen:
    """Claims about the document that the store keeps and that did not hold."""
    heading = printed.title(_document(case).text)
    claims = case.view("claims")
    own = claims[claims["document"] == heading] if len(claims) else claims
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
    claims = case.view("claims")
    own = claims[claims["document"] == printed.title(document.text)] if len(claims) else claims
    figures = [one for one in own.get("printed", ()) if one]
    latex = document.path.suffix == ".tex"
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
    text = _document(case).text
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
