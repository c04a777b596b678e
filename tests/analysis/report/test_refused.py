"""A statistic that refuses what it is given never takes the analysis, figures or report with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from analysis import recorded
from analysis.figures import figures, write_figures
from analysis.report import write_report
from analysis.report.brief import brief_text
from analysis.report.content import content
from analysis.report.document import Text, flat
from analysis.report.explorer import explorer
from analysis.report.summary import summary_json
from analysis.tables.readings import Readings
from sql.errors import Refusal
from tests.marks import slow_but
from tests.reading import read

REASON = "planted here: ask for something else"

# Each with the family that it belongs to.
PLANTED = {
    "paired.mcnemar": "alphas",
    "bootstrap.bootstrap_difference": "alphas",
    "controls.compare_to_controls": "controls",
    "strata.stratum_homogeneity": "strata",
    "selection.best_alpha": "curves",
    "dose.dose_response": "curves",
}


def plant(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def refuses(*arguments: object, **options: object) -> None:
        raise Refusal(REASON)

    monkeypatch.setattr(f"analysis.statistics.{name}", refuses)


@pytest.fixture
def root(drawn_from: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drawn_from, tmp_path / "store"))


@pytest.mark.parametrize(("name", "family"), slow_but(PLANTED.items(), kept=(0, 2)))
def test_analyze_tells_a_refused_statistic_as_a_row(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str, family: str
) -> None:
    plant(monkeypatch, name)
    analyses = recorded.analyze(root)
    rows = read(root, "SELECT quantity, status, contrast FROM results WHERE status = 'refused'")
    told = {row["quantity"]: json.loads(row["contrast"])["reason"] for row in rows.to_pylist()}
    assert set(told.values()) == {REASON}
    assert family in told or name == "dose.dose_response"
    if family != "alphas":  # on which everything else rests
        kept = {analysis.method for analysis in analyses}
        assert {"paired effects"} <= kept
    assert any(line.endswith(REASON) for line in recorded.refused_lines(analyses))
    table = recorded.results_table(analyses)
    assert REASON in set(table["reason"])
    # And again: the same refusal is kept once.
    recorded.analyze(root)
    again = read(root, "SELECT count(*) AS n FROM results WHERE status = 'refused'")
    assert again.to_pylist()[0]["n"] == rows.num_rows


def test_a_curve_that_is_refused_is_told_by_its_name(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, "dose.dose_response")
    lines = recorded.refused_lines(recorded.analyze(root, families=["curves"], write=False))
    assert "refused: dose response of mean_difference primary: " + REASON in lines


def test_nothing_is_refused_where_nothing_refuses(root: Path) -> None:
    assert recorded.refused_lines(recorded.analyze(root, write=False)) == []


@pytest.mark.parametrize(
    "name", slow_but(["paired.mcnemar", "strata.stratum_homogeneity"], kept=(0,))
)
def test_figures_and_report_say_the_reason_in_the_place(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    plain = {figure.name for figure in figures(root)}
    plant(monkeypatch, name)
    drawn = figures(root)
    blocks = flat(content(Readings(root)))
    said = [block.text for block in blocks if isinstance(block, Text) and REASON in block.text]
    assert said
    assert all(text.startswith("**Not computed:**") for text in said)
    assert explorer(root)["store"] == str(root)
    if name == "strata.stratum_homogeneity":  # which no figure shows
        assert {figure.name for figure in drawn} == plain
        return
    assert any(figure.caption.strip() == f"Not drawn: {REASON}" for figure in drawn)


def test_files_are_written_all_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "paired.mcnemar")
    pages = write_report(root, formats=["md", "html"])
    assert REASON in pages[0].read_text()
    written = write_figures(root, formats=["svg"])
    captions = [path.read_text() for path in written if path.suffix == ".txt"]
    assert f"Not drawn: {REASON}" in "".join(captions)
    assert brief_text(root) == f"not computed: {REASON}"
    assert summary_json(root) == "[]"
