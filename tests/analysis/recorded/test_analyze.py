"""Analyses as rows: the same rows give the same bytes, and everything carries its stamp."""

from __future__ import annotations

import json
import shutil
from typing import get_args

import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis import tables
from analysis.cli.analyze import app
from analysis.recorded import analyses as module
from analysis.recorded.analyses import analyze, results_table
from analysis.recorded.version import (
    ANALYSIS,
    TABLES,
    code_version,
    digest_of_code,
    used_by,
)
from analysis.vocabulary import AnalysisFamily, Status
from sql.errors import UserError
from store import append, committed, ingest
from tests.reading import read


@pytest.fixture(scope="module")
def store(demo_like, tmp_path_factory):
    """A copy that this file may write to."""
    root = tmp_path_factory.mktemp("analyze") / "s"
    shutil.copytree(demo_like, root)
    return root


def rows(root, table: str) -> pd.DataFrame:
    return committed(root, table).to_pandas()


def test_the_same_analysis_of_the_same_rows_is_kept_once(store) -> None:
    first = analyze(store, families=["alphas", "controls"])
    kept = rows(store, "results")
    again = analyze(store, families=["alphas", "controls"])
    assert [a.analysis_id for a in first] == [a.analysis_id for a in again]
    assert [a.results for a in first] == [a.results for a in again]
    assert rows(store, "results").equals(kept)
    assert len(kept) == sum(len(a.results) for a in first)
    assert set(read(store, "analyses").to_pandas()["analysis_id"]) == {a.analysis_id for a in first}


def test_every_family_gives_finite_labelled_results(store) -> None:
    table = results_table(analyze(store, write=False))
    assert set(table["stamp"]) == {"exploratory"}
    # The report's own controls have its total norm, not that of each position.
    assert set(table["status"]) <= set(get_args(Status)) - {"not_converged", "stopped"}
    p = table["p"].dropna()
    assert ((p > 0) & (p <= 1)).all()
    selected = table.groupby("set_name")["selected_on_outcome"].unique()
    assert list(selected["balanced"]) == [True]
    assert list(selected["primary"]) == [False]


def test_scope_is_these_problems_only_where_they_were_selected(store) -> None:
    for one in analyze(store, families=["alphas"], write=False):
        for row in one.results:
            expected = "these problems only" if row["selected_on_outcome"] else "new problems"
            assert row["scope"] == expected


def test_a_contrast_narrows_what_is_tested(store) -> None:
    chosen = {"direction": "mean_difference", "set_name": "primary"}
    found = analyze(store, families=["alphas"], contrast=chosen, write=False)
    assert len(found) == 1
    contrasts = [json.loads(row["contrast"]) for row in found[0].results]
    assert {c["direction"] for c in contrasts} == {"mean_difference"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"families": ["alpha"]}, "unknown family 'alpha'"),
        ({"contrast": {"colour": "red"}}, "unknown contrast column 'colour'"),
        ({"contrast": {"direction": "nobody"}}, "no contrast of"),
    ],
)
def test_bad_requests_say_what_to_do(store, options, said) -> None:
    with pytest.raises(UserError, match=said):
        analyze(store, write=False, **options)


def test_one_more_outcome_changes_the_digest_and_the_id(store, tmp_path) -> None:
    root = tmp_path / "changed"
    shutil.copytree(store, root)
    chosen = {"direction": "mean_difference", "set_name": "primary"}
    (before,) = analyze(root, families=["alphas"], contrast=chosen, write=False)
    view = read(root, "accuracy_by_alpha").to_pandas()
    condition = view[(view["direction"] == "mean_difference") & (view["alpha"] == 3.0)].iloc[0]
    sets = read(root, "problem_sets").to_pandas()
    problem = sets[sets["set_name"] == "primary"]["problem_id"].iloc[0]
    kept = committed(root, "outcomes").to_pandas()
    row = kept[
        (kept["condition_id"] == condition["condition_id"]) & (kept["problem_id"] == problem)
    ].iloc[0]
    copy = {k: (v.tolist() if hasattr(v, "tolist") else v) for k, v in row.items()} | {"seed": 1}
    copy = {k: (None if isinstance(v, float) and v != v else v) for k, v in copy.items()}
    append(root, "outcomes", [copy], run_id=row["run_id"])
    ingest(root)
    (after,) = analyze(root, families=["alphas"], contrast=chosen, write=False)
    assert before.rows_digest != after.rows_digest
    assert before.analysis_id != after.analysis_id


def test_an_analysis_says_its_estimand_and_keeps_what_stands_beside_it(store) -> None:
    chosen = {"direction": "mean_difference", "set_name": "primary"}
    analyses = analyze(store, contrast=chosen, write=False)
    assert {a.parameters["estimand"] for a in analyses} == {"readable right answer"}
    (found,) = analyze(store, families=["alphas"], contrast=chosen, write=False)
    table = tables.effects(store)
    table = table[(table["direction"] == "mean_difference") & (table["set_name"] == "primary")]
    rows = {row["name"]: row for row in found.results}
    assert len(rows) == 8 * len(table)
    for row in table.to_dict("records"):
        at = f"alpha={row['alpha']}"
        complete = rows[f"{at}: complete cases"]
        names = ("n", "gained", "lost", "estimate", "low", "high", "p")
        assert [complete[name] for name in names] == [row[f"complete_{name}"] for name in names]
        assert complete["quantity"] == "accuracy difference, complete cases"
        bounds, limits = rows[f"{at}: bounds"], rows[f"{at}: bounds of limits"]
        assert (bounds["low"], bounds["high"]) == (row["effect_low"], row["effect_high"])
        assert (bounds["n"], bounds["estimate"], bounds["p"]) == (row["bound_n"], None, None)
        assert (limits["low"], limits["high"], limits["p"]) == (
            row["bound_low"], row["bound_high"], row["bound_p"],
        )  # fmt: skip
        unread = rows[f"{at}: unreadable"]
        assert (unread["gained"], unread["lost"], unread["p"]) == (
            row["became_unreadable"], row["became_readable"], row["p_unreadable"],
        )  # fmt: skip
    alone = [r for r in found.results if r["quantity"] == "accuracy difference"]
    assert len(alone) == 4 * len(table)
    # What is bound by the primary method, or by the quantity, finds the primary result alone.
    primary = [r for r in found.results if r["method"] == "McNemar mid-p, Tango"]
    assert primary == [r for r in alone if r["name"].endswith(": primary")]


def test_the_ranks_of_a_verdict_are_kept(store) -> None:
    table = tables.beyond_controls(store)
    table = table[(table["candidate"] == "mean_difference") & (table["set_name"] == "primary")]
    chosen = {"direction": "mean_difference", "set_name": "primary"}
    analyses = analyze(store, families=["ranks"], contrast=chosen, write=False)
    kept = {
        (contrast["control_kind"], contrast["claim"], row["method"]): row
        for one in analyses
        for row in one.results
        for contrast in [json.loads(row["contrast"])]
    }
    assert len(kept) == 6 * len(table)
    ranked = {
        "rank of the effect": "p_effect",
        "rank of the signed effect": "p_signed",
        "rank of the share": "p_share",
        "largest rank": "p",
        "largest rank, bounds": "p_bounds",
    }
    for row in table.to_dict("records"):
        at = (row["control_kind"], row["claim"])
        for method, column in ranked.items():
            assert kept[(*at, f"{method}, own controls")]["p"] == row[column]
        rank = kept[(*at, "rank of the effect, own controls")]
        assert (rank["estimate"], rank["k"]) == (row["difference"], row["k"])
        largest = kept[(*at, "largest rank, own controls")]
        assert (largest["p_adjusted"], largest["family_size"]) == (row["p_adjusted"], 2)
        limit = kept[(*at, "limit, own controls")]
        limits = {"amplification": ("high", 1), "suppression": ("low", -1)}
        end, sign = limits[row["claim"]]
        assert limit[end] == sign * row["difference_limit"]
        assert [limit[name] for name in ("low", "high")].count(None) == 1
    assert {row["claim"] for row in table.to_dict("records")} == {"amplification", "suppression"}


def test_other_code_is_another_analysis(store, monkeypatch) -> None:
    chosen = {"direction": "mean_difference", "set_name": "primary"}
    (before,) = analyze(store, families=["alphas"], contrast=chosen, write=False)
    monkeypatch.setattr(module, "code_version", lambda family: "0.0.1+other")
    (after,) = analyze(store, families=["alphas"], contrast=chosen, write=False)
    assert before.rows_digest == after.rows_digest
    assert before.analysis_id != after.analysis_id


def test_analyses_of_other_code_stay_readable_beside_new_ones(store, tmp_path, monkeypatch) -> None:
    root = tmp_path / "older"
    shutil.copytree(store, root)
    chosen = {"direction": "mean_difference", "set_name": "primary"}
    with monkeypatch.context() as older:
        older.setattr(module, "code_version", lambda family: "0.0.1+0123456789ab")
        (before,) = analyze(root, families=["alphas"], contrast=chosen)
    (after,) = analyze(root, families=["alphas"], contrast=chosen)
    kept = read(root, "analyses").to_pandas().set_index("analysis_id")["code_version"]
    assert kept[before.analysis_id] == "0.0.1+0123456789ab"
    assert kept[after.analysis_id] == module.code_version("alphas")  # type: ignore[attr-defined]
    results = read(root, "results").to_pandas()
    assert set(results["analysis_id"]) >= {before.analysis_id, after.analysis_id}


def test_only_code_that_computes_tells_analyses_apart(tmp_path) -> None:
    def digest(name: str, source: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
        return digest_of_code(tmp_path, ["tables.top"])

    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "top.py").write_text(
        "from analysis.statistics.one import f\nimport math\n"
    )
    digest("statistics/deep.py", "x = 1\n")
    plain = 'LEVEL = 0.05\n\n\ndef f(x):\n    return x + "a"\n'
    first = digest("statistics/one.py", plain)
    said = (
        '"""Module."""\n\n# Why.\nLEVEL = 0.05\n"""Of a constant."""\n\n'
        'def f(x):\n    """Function."""\n    return (\n        x + "a"\n    )\n'
    )
    assert digest("statistics/one.py", said) == first
    assert digest("charts/one.py", "COLOUR = 'red'\n") == first
    assert digest("words/one.py", "TEXT = 'p'\n") == first
    assert digest("statistics/one.py", plain.replace("0.05", "0.06")) != first
    assert digest("statistics/one.py", plain.replace('"a"', '"b"')) != first
    assert digest("statistics/one.py", plain) == first
    # A module counts from where it is used on, at whatever depth and wherever in a function.
    assert digest("statistics/deep.py", "x = 2\n") == first
    deeper = plain + "\n\ndef g():\n    from analysis.statistics import deep\n"
    second = digest("statistics/one.py", deeper)
    assert second != first
    assert digest("statistics/deep.py", "x = 3\n") != second


def test_each_family_is_told_by_the_statistics_that_it_uses() -> None:
    used = {family: used_by(ANALYSIS, [table]) for family, table in TABLES.items()}
    assert set(TABLES) == set(get_args(AnalysisFamily))
    assert "statistics.controls" in used["controls"] - used["alphas"]
    assert "statistics.selection" in used["curves"] - used["strata"]
    assert "statistics.freeman_halton" in used["strata"] - used["curves"]
    assert "statistics.sequential" in used["alphas"]
    assert not any("statistics.equivalence" in modules for modules in used.values())
    assert len({code_version(family) for family in [None, *TABLES]}) == 1 + len(TABLES)


def test_the_command_prints_a_table_or_json(store) -> None:
    options = [str(store), "--family", "alphas", "--contrast", "set_name=primary", "--no-write"]
    shown = CliRunner().invoke(app, options)
    assert shown.exit_code == 0
    assert "McNemar mid-p, Tango" in shown.stdout
    assert "McNemar exact" not in shown.stdout
    listed = json.loads(CliRunner().invoke(app, [*options, "--json"]).stdout)
    assert {"direction", "alpha", "estimate", "p", "p_adjusted", "stamp"} <= set(listed[0])


def test_the_command_refuses_a_contrast_without_a_value(store) -> None:
    result = CliRunner().invoke(app, [str(store), "--contrast", "direction"])
    assert isinstance(result.exception, UserError)
