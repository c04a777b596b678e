"""A drafted claims file accuses nobody: which column a change is of, and of how many problems.

The tables are true of their counts; each is then given one false number, which has to be found.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.claims import check_file
from analysis.claims.draft import draft_claims

TWO_MODELS = """
| Model | A acc (%) | A Δ | B acc (%) | B Δ |
|---|---|---|---|---|
| Baseline | 45.0 | – | 71.6 | – |
| Steered | 47.2 | +2.2 | 75.2 | +3.6 |
"""
BASE_COLUMN = """
| Model | Baseline | Steered | Δ |
|---|---|---|---|
| A | 45.0% | 47.2% | +2.2 |
| B | 71.6% | 75.2% | +3.6 |
"""
OWN_SIZES = """
| Task | n | Base acc | Steered acc | Δ |
|---|---|---|---|---|
| GSM8K | 1,319 | 45.0% | 47.2% | +2.2 |
| SVAMP | 300 | 50.3% | 52.3% | +2.0 |
| MATH |  | 20.0% | 21.1% | +1.1 |
"""
DROP = """
| Model | Acc (%) | Drop |
|---|---|---|
| Baseline | 45.0 | – |
| Steered | 40.2 | 4.8 |
"""
COUNTS = """
| Split | Correct | Total | Accuracy |
|---|---|---|---|
| dev | 29 | 50 | 58.0% |
| test | 30 | 86 | 34.9% |
"""
LATEX = r"""
\begin{tabular}{lccc}
\toprule
\multirow{2}{*}{Method} & \multicolumn{2}{c}{Acc (\%)} & $\Delta$ \\
\cmidrule(lr){2-3}
 & Llama-3.1-8B & Qwen2.5-7B & Qwen2.5-7B \\
\midrule
Baseline & 45.0 & 71.6 & -- \\
Steered & 47.2 & 75.2 & +3.6 \\
\bottomrule
\end{tabular}
"""


def verdicts(folder: Path, text: str, *, latex: bool = False) -> list[str]:
    path = folder / "claims.toml"
    path.write_text(draft_claims(text, title="T", n=1319, latex=latex), encoding="utf-8")
    return [one.verdict for one in check_file(path)]


@pytest.mark.parametrize(
    ("table", "claims", "true", "false"),
    [
        (TWO_MODELS, 6, "+3.6", "+2.2 "),
        (BASE_COLUMN, 6, "+3.6", "+3.0"),
        (OWN_SIZES, 6, "50.3%", "50.5%"),  # 151/300 = 50.3 %, 152/300 = 50.7 %
        (OWN_SIZES, 6, "+2.0", "+2.3"),
        (DROP, 3, " 4.8", " 5.8"),
        (COUNTS, 2, "34.9%", "34.5%"),
        (LATEX, 5, "+3.6", "+2.2"),
    ],
)
def test_a_true_table_passes_and_a_false_number_is_found(
    tmp_path: Path, table: str, claims: int, true: str, false: str
) -> None:
    latex = table is LATEX
    found = verdicts(tmp_path, table, latex=latex)
    assert found == ["PASS"] * claims
    assert table.count(true) == 1
    assert set(verdicts(tmp_path, table.replace(true, false), latex=latex)) > {"PASS"}


@pytest.mark.parametrize(
    ("header", "cells", "why"),
    [
        ("A acc | B acc | Δ", "45.0% | 71.6% | +3.6", "any of 2 accuracies"),
        ("Acc | Relative change (%)", "45.0% | 4.9", "it is relative"),
        ("Acc | Δ vs random", "45.0% | +4.9", "no change from the baseline"),
    ],
)
def test_what_cannot_be_known_is_said_and_not_bound(header: str, cells: str, why: str) -> None:
    rule = "|".join(["---"] * (header.count("|") + 2))
    text = f"\n| Model | {header} |\n|{rule}|\n| Baseline | {cells} |\n| Steered | {cells} |\n"
    drafted = draft_claims(text, title="T", n=1319)
    assert why in drafted
    assert ".delta" not in drafted
    assert ".relative" not in drafted


def test_parts_and_means_are_no_shares_of_all_problems() -> None:
    for header, cell in (
        ("Difficulty | Accuracy", "easy | 52.47%"),
        ("α | Mean accuracy", "1 | 52.47%"),
    ):
        drafted = draft_claims(f"\n| {header} |\n|---|---|\n| {cell} |\n", title="T", n=1319)
        assert "no whole number of 1319 problems" in drafted
        assert "[[claim]]" not in drafted
