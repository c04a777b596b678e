"""Tables for a paper: booktabs, Markdown and CSV, and the report as LaTeX."""

from __future__ import annotations

import csv
import re

import pytest

from analysis.report.document import Grid
from analysis.report.latex import escaped, grid_latex, marked_up
from analysis.report.table_files import grid_text, write_tables
from sql.errors import UserError

GRID = Grid(
    name="g",
    title="A 95 % table",
    head=["Direction", "α", "Difference (points)", "p"],
    rows=[["mean_difference", "−3", "−12.8", "< 0.0001"], ["other|one", "+0.5", "–", "0.45"]],
    note="Of n & m.",
)


def test_booktabs_escapes_and_aligns_numbers_to_the_right() -> None:
    text = grid_latex(GRID)
    assert r"\begin{longtable}{@{}lrrr@{}}" in text
    assert text.count(r"\toprule") == 2
    assert r"mean\_difference & $-$3 & $-$12.8 & $<$ 0.0001 \\" in text
    assert r"\caption{A 95 \% table}" in text
    assert r"Of n \& m." in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and "&" in line]
    assert {line.count(" & ") for line in rows} == {3}


def test_special_characters_survive_latex() -> None:
    assert escaped("a_b {c} 5% α") == r"a\_b \{c\} 5\% $\alpha$"
    assert marked_up("**x_y** `z`") == r"\textbf{x\_y} \texttt{z}"


def test_csv_is_for_programs() -> None:
    rows = list(csv.reader(grid_text(GRID, "csv").splitlines()))
    assert rows[1] == ["mean_difference", "-3", "-12.8", "< 0.0001"]
    assert rows[2][2] == ""


def test_markdown_keeps_bars_inside_their_cell() -> None:
    text = grid_text(GRID, "md")
    assert r"other\|one" in text
    assert text.startswith("**A 95 % table**")


@pytest.fixture(scope="module")
def tables(drawn_from, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables") / "t"
    write_tables(drawn_from, folder, ["tex", "csv"])
    return folder


def test_every_results_table_is_written_with_interval_and_corrected_p(tables) -> None:
    names = {path.stem for path in tables.iterdir()}
    assert {
        "verdicts-primary-codi",
        "effects-primary-codi",
        "controls-primary-codi",
        "norms",
    } <= names
    with (tables / "effects-primary-codi.csv").open(encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert {"95 % Tango", "p (Holm)"} <= set(head)
    assert len(rows) == 4  # two candidates at two alphas


@pytest.mark.parametrize(
    ("formats", "said"), [(["xls"], "unknown format 'xls'"), ([], "no format given: any of tex")]
)
def test_tables_of_no_known_format_are_refused(demo_like, tmp_path, formats, said) -> None:
    with pytest.raises(UserError, match=said):
        write_tables(demo_like, tmp_path / "tables", formats)
    assert not (tmp_path / "tables").exists()


def test_the_latex_report_is_balanced_and_its_figures_exist(whole_report) -> None:
    text = (whole_report / "report.tex").read_text(encoding="utf-8")
    begun = re.findall(r"\\begin\{(\w+)\}", text)
    ended = re.findall(r"\\end\{(\w+)\}", text)
    assert sorted(begun) == sorted(ended)
    figures = re.findall(r"\\includegraphics\[[^\]]*\]\{([^}]+)\}", text)
    assert len(figures) > 5
    assert all((whole_report / name).read_bytes().startswith(b"%PDF") for name in figures)
    assert "selected\\_on\\_outcome" in text
