"""What a document prints is held against it only where it cannot be about anything else.

Every p and interval was worked out with scipy 1.15 (`stats.binom`, `stats.chi2.sf`) or by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.audit import printed
from analysis.audit.case import Case, Document
from analysis.audit.checks import report
from analysis.audit.finding import CouldNotRun, NotApplicable, Seen

TABLE = "\n\n| {first} | {heading} |\n|---|---|\n| {name} | {cell} |\n"


class Pretended(Case):
    """A case of one document, whose store has one set of 86 problems."""

    def view(self, name: str) -> pd.DataFrame:
        sets = pd.DataFrame({"n": [86], "n_label_true": [43]})
        return sets if name == "sets_overview" else pd.DataFrame()


def seen(check: Any, text: str, *, name: str = "paper.md") -> Seen:
    return check.look(Pretended(readings=None, document=Document(path=Path(name), text=text)))  # type: ignore[arg-type]


def accused(check: Any, text: str, *, name: str = "paper.md") -> bool | None:
    """Whether something is held against a text; None where nothing in it was taken up."""
    try:
        return bool(len(seen(check, text, name=name).rows))
    except (CouldNotRun, NotApplicable):
        return None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("4 gained, 2 lost (p = .69)", False),  # exact
        ("4 problems gained and 2 lost: mid-p p = 0.45", False),
        ("Gained 4, lost 2, McNemar's test p = .01", True),
        ("57 gained, 9 lost (p = 3.5e-9)", False),  # chi2.sf(48**2 / 66, 1)
        ("57 gained, 9 lost (p = 1.2 × 10^-9)", False),  # 2 * binom.cdf(9, 66, .5)
        ("57 gained, 9 lost (p = 0.5e-3)", True),
        ("30 gained, 14 lost, χ²(1) = 5.11, p = .024", False),  # chi2.sf(15**2 / 44, 1)
        ("30 gained, 14 lost (one-sided p = .011)", False),  # binom.sf(29, 44, .5)
        ("30 gained, 14 lost (one-sided p = .11)", True),
        ("1,057 gained, 900 lost (p = .0004)", False),
        ("57 gained,\n9 lost (p = .5)", True),
        ("4 gained, 2 lost (p = 1.3)", True),
        ("4 gained, 2 lost (p = −0.2)", True),
        # of something else, or by something else
        ("57 gained, 9 lost at α = 1, and at α = 3 others, p = .50", None),
        ("12 gained, 3 lost on dev, whereas test shows no effect (p = .8)", None),
        ("4 gained, 2 lost, adjusted p = .9", None),
        ("4 gained, 2 lost, Holm p = .9", None),
        ("4 gained, 2 lost. For 30 against 14, p = .02", None),
        ("30 gained, 14 lost (permutation p = .021)", None),
        ("4 gained, 2 lost, top-p = .9", None),
    ],
)
def test_a_p_is_held_against_the_counts_that_it_is_of(text: str, wrong: bool | None) -> None:
    assert accused(report.p_from_counts, text) is wrong


def test_latex_is_read_as_it_looks() -> None:
    text = r"$57$ gained, $9$ lost ($p = 1.2\times10^{-9}$)."
    assert accused(report.p_from_counts, text, name="paper.tex") is False
    assert accused(report.p_from_counts, text.replace("1.2", "0.5"), name="paper.tex") is True
    table = (
        r"We use $n=1{,}319$ problems. \begin{tabular}{lc} Model & Acc (\%) \\ \midrule "
        r"Baseline & 45.0 \\ \end{tabular}"
    )
    assert accused(report.grim, table, name="paper.tex") is False
    assert accused(report.grim, table.replace("1{,}319", "86"), name="paper.tex") is True


def test_a_p_that_is_none_decides() -> None:
    assert seen(report.p_from_counts, "4 gained, 2 lost (p = 1.3)").least == "decides"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("30 gained, 14 lost of 86: [3.6, 32.8]", False),  # Tango, 95 %
        ("30 gained, 14 lost of 86: 90 % CI [6.1, 30.6]", False),
        ("30 gained, 14 lost of 86: 95 % CI [6.1, 30.6]", True),
        ("30 gained, 14 lost of 86: [0.036, 0.328]", False),
        ("30 gained, 14 lost of 86 [3.6 pts, 32.8 pts]", False),
        ("30 gained, 14 lost of 1,319: [0.2, 2.3]", False),
        ("30 gained, 14 lost of 40: [0.2, 2.3]", True),
        ("30 gained, 14 lost of 86 (bootstrap CI [3.5, 32.6])", None),
        ("30 gained, 14 lost of 86, accuracy 51.2 [40.8, 61.5]", None),
    ],
)
def test_an_interval_is_held_against_the_counts_that_it_is_of(
    text: str, wrong: bool | None
) -> None:
    assert accused(report.interval, text) is wrong


@pytest.mark.parametrize(
    ("first", "heading", "name", "cell", "wrong"),
    [
        ("α", "Accuracy", "1", "32.6%", False),
        ("α", "Accuracy", "1", "20.3%", True),  # 17/86 = 19.8 %, 18/86 = 20.9 %
        ("α", "Accuracy (%)", "1", "20.3", True),
        ("α", "Accuracy", "1", "0.203", True),
        ("α", "Accuracy", "1", "0.326", False),
        ("Model", "Accuracy (mean of 5 seeds)", "a", "20.3%", None),
        ("Model", "Accuracy", "a", "20.3 ± 1.1%", None),
        ("Layer", "Probe accuracy", "5", "20.3%", None),
        ("α", "Training accuracy", "1", "20.3%", None),
        ("Difficulty", "Accuracy", "easy", "20.3%", None),
        ("Difficulty", "Accuracy", "easy (n = 40)", "52.5%", False),
        ("Difficulty", "Accuracy", "easy (n = 40)", "20.3%", True),
        ("Dataset", "n | Accuracy", "SVAMP", "300 | 50.3%", False),
        ("Dataset", "n | Accuracy", "SVAMP", "86 | 50.3%", True),
    ],
)
def test_a_share_is_one_of_its_own_problems(
    first: str, heading: str, name: str, cell: str, wrong: bool | None
) -> None:
    table = TABLE.format(first=first, heading=heading, name=name, cell=cell)
    table = table.replace("---|---", "---|---|---") if "|" in heading else table
    assert accused(report.grim, f"We use 86 problems.{table}") is wrong


def test_seeds_make_more_outcomes() -> None:
    # 141/430 = 32.79 %, and no whole number of 86
    table = TABLE.format(first="α", heading="Accuracy", name="1", cell="32.8%")
    assert accused(report.grim, f"We use 86 problems.{table}") is True
    assert accused(report.grim, f"We use 86 problems with 5 seeds each.{table}") is False


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("We use 86 problems.", False),
        ("We use 87 problems.", True),
        ("**Net improvement**: +2 problems", None),
        ("We lose 12 problems, and 7 problems were gained.", None),
        ("We exclude 3 questions.", None),
        ("There are n = 10 layers and n = 5 seeds.", None),
    ],
)
def test_what_changed_is_no_setting(text: str, wrong: bool | None) -> None:
    assert accused(report.settings, text) is wrong


def test_claims_kept_of_a_latex_document_are_found_by_its_title() -> None:
    source = "\\title{Steering it}\\section{Results} Text."
    assert printed.titles(source, latex=True) == ["Steering it", "Results"]
    assert printed.titles("# A study\n\n## Results\n") == ["A study"]
