"""Import and export: the report's files, tidy tables, errors row by row, nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import steerstat
from sql.errors import UserError
from store import append, create_store, ingest
from store.cli.transfer import app
from store.exchange.exporters import export
from store.exchange.importers import import_file, import_files
from store.schema import TABLES
from tests.paths import PUBLISHED, ROOT
from tests.reading import read
from tests.synthetic import synthetic_store

published = pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the report's data are not here")
COUNTS = ["alpha", "n", "n_missing", "n_correct", "n_pairs", "gained", "lost"]


def counts(store, **where):
    """Rows of `accuracy_by_alpha`, the columns of COUNTS, sorted."""
    condition = " AND ".join(f"{name} = ${name}" for name in where) or "true"
    query = f"SELECT {', '.join(COUNTS)} FROM accuracy_by_alpha WHERE {condition} ORDER BY ALL"
    return read(store, query, **where).to_pylist()


def test_the_reports_files_go_out_and_come_back(made_store, tmp_path):
    files = export(
        made_store,
        tmp_path / "out",
        direction="mean_difference",
        set_name="balanced",
        train="train",
    )
    back = tmp_path / "back"
    reports = [import_file(back, file) for file in files]
    assert [report.errors for report in reports] == [[]] * len(files)
    ingest(back)
    theirs = counts(back, set_name="report_test", role="candidate")
    assert theirs == counts(
        made_store, set_name="balanced", direction="mean_difference", protocol="codi"
    )
    controls = "SELECT direction, gained, lost FROM control_effects WHERE alpha = -3 AND "
    ours = read(made_store, controls + "set_name = 'balanced' AND protocol = 'codi'")
    assert read(back, controls + "set_name = 'report_test'").equals(ours)
    vectors = (
        "SELECT values FROM direction_vectors JOIN directions USING (direction_id) "
        "WHERE name = $name ORDER BY position"
    )
    ours = read(made_store, vectors, name="mean_difference")
    assert read(back, vectors, name="reasoning_direction").equals(ours)
    again = [import_file(back, file) for file in files]
    assert all(report.added == {} and report.errors == [] for report in again)


def test_exported_accuracies_count_missing_outcomes_among_all(tmp_path):
    store = synthetic_store(
        tmp_path / "store",
        rng=np.random.default_rng(3),
        alphas=(-3.0,),
        n_controls=2,
        report=False,
        missing=0.3,
    )
    export(store, tmp_path / "out", direction="mean_difference", set_name="primary", train="train")
    steering = tmp_path / "out" / "steering_experiments"
    entries = json.loads((steering / "steering_results_detailed.json").read_text())["results"]
    summary = json.loads((steering / "steering_results_summary.json").read_text())["summary"]
    missing = 0
    for alpha, of_alpha in entries.items():
        verdicts = [entry["correct"] for entry in of_alpha]
        right, total = verdicts.count(True), len(verdicts)
        missing += verdicts.count(None)
        assert summary[alpha] == {
            "total": total,
            "correct": right,
            "accuracy": pytest.approx(100 * right / total),
        }
    assert missing > 5
    controls = tmp_path / "out" / "steering_analysis" / "random_direction_results.json"
    told = json.loads(controls.read_text())
    for found, accuracy in zip(
        told["random_results"], told["random_suppression"]["accuracies"], strict=True
    ):
        verdicts = [entry["correct"] for entry in found["results"]]
        assert None in verdicts
        assert accuracy == pytest.approx(100 * verdicts.count(True) / len(verdicts))
    suppression = told["random_suppression"]
    mean = sum(suppression["accuracies"]) / len(suppression["accuracies"])
    squares = [(accuracy - mean) ** 2 for accuracy in suppression["accuracies"]]
    assert suppression["std_accuracy"] == pytest.approx((sum(squares) / len(squares)) ** 0.5)
    assert suppression["std_accuracy"] > 0
    steered = told["computed_suppression"]["accuracy"]
    assert steered == pytest.approx(summary["-3.0"]["accuracy"])
    assert told["computed_suppression"]["degradation"] == pytest.approx(
        summary["0.0"]["accuracy"] - steered
    )


@published
def test_published_files_are_read_whole(tmp_path):
    store = tmp_path / "store"
    names = ["problem_pairs_gpt4_answers", "steering_dataset_gpt2"]
    names += ["validation_results_gpt2_gpt4_532"]
    for name in names:
        assert import_file(store, PUBLISHED / f"{name}.json").errors == []
    ingest(store)
    sides = (
        "SELECT p.attributes->>'side' AS side, count(*) FILTER (o.correct) AS n "
        "FROM outcomes AS o JOIN problems AS p USING (problem_id) GROUP BY side ORDER BY side"
    )
    told = json.loads((PUBLISHED / "validation_results_gpt2_gpt4_532.json").read_text())["results"]
    right = {
        side: len({(e["pair_id"], e[side]["expected"]) for e in told if e[side]["correct"]})
        for side in ("clean", "corrupted")
    }
    found = {row["side"]: row["n"] for row in read(store, sides).to_pylist()}
    # Pairs that share a question are one problem, so a few fewer than the file's entries.
    assert right["clean"] - found["clean"] in range(6)
    assert right["corrupted"] - found["corrupted"] in range(6)
    members = "SELECT set_name, selected_on_outcome FROM sets_overview ORDER BY set_name"
    assert [tuple(row.values()) for row in read(store, members).to_pylist()] == [
        ("report_test", True),
        ("report_train", True),
    ]


@published
def test_ablations_on_other_questions_are_errors_not_rows(tmp_path):
    store = tmp_path / "store"
    import_file(store, PUBLISHED / "problem_pairs_gpt4_answers.json")
    file = PUBLISHED / "ablation_2_tokens_gpt2.json"
    with pytest.raises(UserError, match="36 of 95 entries cannot be used, more than 1%"):
        import_file(store, file)
    report = import_file(store, file, allow_bad=True)
    assert len(report.errors) == 36  # nine pairs: their corrupted question and three patches
    assert all("it is another question" in line for line in report.errors)
    assert report.added["outcomes"] == 19 + 10 + 3 * 10
    assert "26 pairs were invalid in the file" in report.notes
    with pytest.raises(UserError, match=r"nothing was imported, --strict: .* \(and 35 more\)"):
        import_file(
            tmp_path / "other",
            file,
            pairs_file=PUBLISHED / "problem_pairs_gpt4_answers.json",
            strict=True,
        )
    ingest(store)
    kinds = read(store, "SELECT DISTINCT kind, operator FROM paired_outcomes").to_pylist()
    assert kinds == [{"kind": "activation_patch", "operator": "patch"}]


def test_random_direction_totals_become_results(tmp_path):
    told = {
        "baseline_accuracy": 32.558139534883722,
        "computed_suppression": {"accuracy": 19.767441860465116, "degradation": 12.8},
        "random_suppression": {"accuracies": [31.395348837209303, 30.232558139534884]},
    }
    path = tmp_path / "random_direction_results.json"
    path.write_text(json.dumps(told))
    import_file(tmp_path / "store", path)
    ingest(tmp_path / "store")
    rows = read(tmp_path / "store", "SELECT name, estimate FROM results ORDER BY name").to_pylist()
    assert [row["name"] for row in rows] == [
        "accuracy of baseline",
        "accuracy of random_direction_0",
        "accuracy of random_direction_1",
        "accuracy of reasoning_direction",
    ]
    assert rows[0]["estimate"] == pytest.approx(28 / 86)


def test_activations_of_pairs(tmp_path):
    pairs = [{"pair_id": 7, "clean": {"question": "1 + 1?", "answer": 2}}]
    (tmp_path / "pairs.json").write_text(json.dumps(pairs))
    values = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    np.savez(tmp_path / "a.npz", activations=values, pair_ids=np.array([7, 8]))
    given = {"pairs_file": tmp_path / "pairs.json", "allow_bad": True}
    report = import_file(tmp_path / "store", tmp_path / "a.npz", **given)
    assert report.errors == [
        "a.npz pair 8: pair 8 (clean) is unknown: import the pairs first, --pairs"
    ]
    ingest(tmp_path / "store")
    found = read(tmp_path / "store", "SELECT site, position, values FROM activations ORDER BY 2")
    assert found.to_pylist() == [
        {"site": "residual:5", "position": 0, "values": [0, 1, 2]},
        {"site": "residual:5", "position": 1, "values": [3, 4, 5]},
    ]


TIDY = """id,dir,dose,seed,right
p1,,0,0,0
p1,d,1,0,1
p2,,0,0,1
p2,d,1,0,
p3,,0,0,maybe
p3,,2,0,1
p2,,0,0,0
"""
MAPPING = {"problem": "id", "direction": "dir", "alpha": "dose", "correct": "right"}


def _tidy(tmp_path, suffix):
    path = tmp_path / f"outcomes.{suffix}"
    lines = [line.split(",") for line in TIDY.splitlines()]
    rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
    if suffix == "csv":
        path.write_text(TIDY)
    elif suffix == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_tidy_table_comes_in_by_a_mapping(tmp_path, suffix):
    path, store = _tidy(tmp_path, suffix), tmp_path / "store"
    report = import_file(store, path, mapping=MAPPING, set_name="theirs", allow_bad=True)
    assert report.added["outcomes"] == 4
    assert [line.split(": ", 1)[1] for line in report.errors[:2]] == [
        "column right: correct is true or false, found 'maybe'",
        "has alpha 2 but no direction",
    ]
    assert len(report.errors) == 3
    assert "came before, otherwise" in report.errors[2]
    ingest(store)
    assert counts(store, set_name="theirs") == [
        dict(zip(COUNTS, row, strict=True))
        for row in [(0, 2, 0, 1, 2, 0, 0), (1, 2, 1, 1, 1, 1, 0)]
    ]
    again = import_file(store, path, mapping=MAPPING, set_name="theirs", allow_bad=True)
    assert again.added == {}


def test_answers_are_graded_against_gold(tmp_path):
    rows = [
        {"question": "2 + 2?", "gold": "4", "answer": "4.0"},
        {"question": "2 + 3?", "gold": "5", "answer": "6", "direction": "d", "alpha": 1},
        {"question": "2 + 4?", "gold": "6", "answer": "6", "correct": False},
        {"question": "2 + 5?", "gold": "7", "answer": None},
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = import_file(tmp_path / "store", path, allow_bad=True)
    assert report.errors == ["x.jsonl line 3: is marked wrong: answer 6, gold 6"]
    ingest(tmp_path / "store")
    query = (
        "SELECT question, o.answer, status, correct FROM outcomes AS o JOIN problems "
        "USING (problem_id) ORDER BY question"
    )
    assert [tuple(row.values()) for row in read(tmp_path / "store", query).to_pylist()] == [
        ("2 + 2?", "4", "ok", True),
        ("2 + 3?", "6", "ok", False),
        ("2 + 5?", None, "parse_fail", None),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.json", "{}", "none of the report's files"),
        ("x.json", "{", "as JSON"),
        ("x.json", '{"results": [{}], "num_pairs": 1}', None),
        ("x.xlsx", "", "is no .csv, .tsv, .jsonl, .parquet"),
        ("x.csv", "a,b\n1,2\n", "a tidy file needs a problem"),
        ("x.npz", "no", "cannot read"),
    ],
)
def test_a_foreign_file_is_one_line(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    if message is None:
        assert import_file(tmp_path / "store", path, allow_bad=True).errors == [
            "x.json pair None, clean: lacks 'clean'",
            "x.json pair None, corrupted: lacks 'corrupted'",
        ]
        return
    with pytest.raises(UserError, match=message):
        import_file(tmp_path / "store", path)


def test_words_of_a_tidy_file_that_are_none_are_errors_of_their_rows(tmp_path):
    rows: list[dict[str, object]] = [
        {"status": "lost"},
        {"direction": "d", "alpha": 1, "role": "controls"},
        {"direction": "e", "alpha": 1, "role": "control"},
        {"status": "truncated", "correct": None},
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"problem": "p", "correct": 1, **r}) + "\n" for r in rows))
    report = import_file(tmp_path / "store", path, allow_bad=True)
    assert report.errors == [
        "x.jsonl line 1: unknown status 'lost': there are ok, parse_fail, truncated, error",
        "x.jsonl line 2: unknown role 'controls': did you mean control? there are candidate, "
        "control",
    ]
    assert report.added["outcomes"] == 2


def test_a_wrong_mapping_is_named(tmp_path):
    path = _tidy(tmp_path, "csv")
    with pytest.raises(UserError, match="knows no 'problems'"):
        import_file(tmp_path / "store", path, mapping={"problems": "id"})
    with pytest.raises(UserError, match="no column 'ident': it has id, dir"):
        import_file(tmp_path / "store", path, mapping={"problem": "ident"})


def _contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["missing.csv"], "no file missing.csv"),
        (["."], "no file ."),
        (["x.xlsx"], "is no .csv, .tsv, .jsonl, .parquet"),
        (["--pairs=missing.json"], "no file missing.json"),
        (["--map=problems=id"], "knows no 'problems'"),
        (["--map=problem"], "takes name=column"),
        (["--set=a b"], "set name 'a b'"),
        (["--set="], "set name ''"),
        (["--direction=../up"], "direction name '../up'"),
        (["--model="], "model name ''"),
        (["--model=a\nb"], "model name"),
        (["--model=a/../b"], "model name"),
        (["--site=residual"], "unknown site 'residual'"),
        (["--site=latent,latent"], "twice"),
        (["--alpha=nan"], "alpha is a finite number"),
        (["--alpha=inf"], "alpha is a finite number"),
    ],
)
def test_import_is_checked_before_anything_is_made(
    tmp_path, monkeypatch, capsys, given, message, there
):
    monkeypatch.chdir(tmp_path)
    path, store = _tidy(tmp_path, "csv"), tmp_path / "store"
    (tmp_path / "x.xlsx").write_text("")
    mapping = [f"--map={name}={column}" for name, column in MAPPING.items()]
    if there:
        import_file(store, path, mapping=MAPPING, set_name="before", allow_bad=True)
    before = _contents(store)
    arguments = ["store", "import", str(store), str(path), *mapping, *given]
    monkeypatch.setattr("sys.argv", ["steerstat", *arguments])
    with pytest.raises(SystemExit) as stopped:
        steerstat.main()
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert store.exists() == there
    assert _contents(store) == before


def test_a_file_that_does_not_fit_makes_no_store(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="a tidy file needs a problem"):
        import_file(tmp_path / "store", path)
    assert not (tmp_path / "store").exists()


GOOD = "problem,correct\np1,1\np2,0\n"
BAD_ENTRY = "problem,correct\np1,1\np2,maybe\n"


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(
    ("second", "strict", "message"),
    [
        ("a,b\n1,2\n", False, "a tidy file needs a problem"),
        (
            BAD_ENTRY,
            True,
            "nothing was imported, --strict: b.csv line 3: column correct: correct is",
        ),
        # Each file is whole, and the second says otherwise than the first.
        ("problem,correct\np2,1\n", True, "nothing was imported, --strict: outcomes row"),
        ("problem,correct,id,id\np3,1,1,2\n", False, "b.csv has two columns 'id'"),
    ],
)
def test_no_file_is_imported_where_a_later_one_is_refused(tmp_path, there, second, strict, message):
    store, files = tmp_path / "store", [tmp_path / "a.csv", tmp_path / "b.csv"]
    if there:
        (tmp_path / "before.csv").write_text("problem,correct\np9,1\n")
        import_file(store, tmp_path / "before.csv")
    before = _contents(store)
    for file, text in zip(files, (GOOD, second), strict=True):
        file.write_text(text)
    with pytest.raises(UserError) as refused:
        import_files(store, files, strict=strict)
    assert message in str(refused.value)
    assert store.exists() == there
    assert _contents(store) == before


def test_a_strict_import_of_one_file_with_an_error_makes_no_store(tmp_path):
    (tmp_path / "x.csv").write_text(BAD_ENTRY)
    with pytest.raises(UserError, match="nothing was imported, --strict"):
        import_file(tmp_path / "store", tmp_path / "x.csv", strict=True)
    assert not (tmp_path / "store").exists()


def test_several_files_say_what_they_say_one_by_one(made_store, tmp_path):
    files = export(made_store, tmp_path / "out", direction="mean_difference", set_name="balanced")
    files += [tmp_path / "a.csv", tmp_path / "b.csv"]
    files[-2].write_text(GOOD)
    # An outcome that is there, one that is there otherwise, and a new one.
    files[-1].write_text("problem,correct\np1,1\np2,1\np3,1\n")
    one_by_one = [import_file(tmp_path / "first", file, allow_bad=True) for file in files]
    together = import_files(tmp_path / "second", files, allow_bad=True)
    assert [file for file, _ in together] == files
    assert [report for _, report in together] == one_by_one
    assert one_by_one[-1].added["outcomes"] == 1
    assert one_by_one[-1].ignored > 1
    assert len(one_by_one[-1].errors) == 1
    for store in (tmp_path / "first", tmp_path / "second"):
        ingest(store)
    for name, table in TABLES.items():
        columns = [column for column in table.names if not column.endswith("_at")]
        query = f"SELECT {', '.join(columns)} FROM {name} ORDER BY ALL"
        assert read(tmp_path / "first", query).equals(read(tmp_path / "second", query)), name


def test_problems_of_one_file_are_known_to_the_next_whatever_their_order(tmp_path):
    pairs = [{"pair_id": 7, "clean": {"question": "1 + 1?", "answer": 2}}]
    (tmp_path / "pairs.json").write_text(json.dumps(pairs))
    entry = {"pair_id": 7, "expected": 2, "predicted": "2", "correct": True}
    results = {"alphas": [0], "results": {"0": [entry]}}
    (tmp_path / "results.json").write_text(json.dumps(results))
    imports = import_files(tmp_path / "store", [tmp_path / "results.json", tmp_path / "pairs.json"])
    assert [(file.name, report.errors) for file, report in imports] == [
        ("pairs.json", []),
        ("results.json", []),
    ]
    assert imports[1][1].added["outcomes"] == 1


def test_numbers_in_a_file_are_errors_of_their_rows(tmp_path):
    rows: list[dict[str, object]] = [
        {"direction": "good", "alpha": 1},
        {"direction": "good", "alpha": "inf"},
        {"direction": "good", "alpha": 3, "seed": "inf"},
        {"direction": "good", "alpha": 4, "model": "owner/name"},
    ]
    path = tmp_path / "x.jsonl"
    text = "".join(json.dumps({"problem": "p", "correct": 1, **row}) + "\n" for row in rows)
    path.write_text(text)
    report = import_file(tmp_path / "store", path, allow_bad=True)
    assert report.added["outcomes"] == 2
    assert report.added["directions"] == 1
    assert [line.split(": ")[0] for line in report.errors] == [
        f"x.jsonl line {number}" for number in (2, 3)
    ]
    assert "alpha is a finite number" in report.errors[0]


def test_a_name_in_one_of_the_reports_files_that_is_none_refuses_the_file(tmp_path):
    np.savez(tmp_path / "d.npz", directions=np.ones((2, 1, 3)), names=["r/1", "r2"])
    found = [{"direction_id": 0, "results": list[int](), "name": name} for name in ("r 1", "r3")]
    (tmp_path / "r.json").write_text(json.dumps({"random_results": found}))
    for name, told in (("d.npz", "'r/1'"), ("r.json", "'r 1'")):
        with pytest.raises(UserError, match=f"direction name {told} is no usable name"):
            import_file(tmp_path / "store", tmp_path / name)
    assert not (tmp_path / "store").exists()


def test_parquet_holds_every_table(made_store, tmp_path):
    files = {
        path.stem: pq.read_table(path)
        for path in export(made_store, tmp_path / "out", format="parquet")
    }
    assert set(TABLES) < set(files)
    for name, table in TABLES.items():
        assert files[name].column_names == table.names
    assert files["outcomes"].num_rows == read(made_store, "outcomes").num_rows


def test_one_duckdb_file_is_enough(made_store, tmp_path):
    (path,) = export(made_store, tmp_path / "all.duckdb", format="duckdb")
    with duckdb.connect(str(path), read_only=True) as connection:
        query = "SELECT count(*), min(tango_low(gained, lost, n_pairs)) FROM discordant"
        n, low = connection.execute(query).fetchall()[0]
    assert n == read(made_store, "discordant").num_rows
    assert -1 <= low <= 0


@pytest.mark.parametrize(
    ("given", "option"),
    [({"direction": "d"}, "direction"), ({"alpha": 1}, "alpha"), ({"seed": 3}, "seed"),
     ({"filters": {"a": "b"}}, "filter"), ({"right_from": 1}, "right-from"),
     ({"mapping": {"problem": "x"}}, "map")],
)  # fmt: skip
def test_what_is_said_of_rows_that_a_file_has_none_of_is_refused(tmp_path, given, option):
    file = tmp_path / "pairs.json"
    side = {"question": "1 + 1?", "answer": "2"}
    file.write_text(json.dumps([{"pair_id": 1, "clean": side, "corrupted": side}]))
    with pytest.raises(UserError, match=f"--{option} would be ignored: pairs.json"):
        import_file(tmp_path / "store", file, **given)
    assert not (tmp_path / "store").exists()
    results = {"num_pairs": 0, "results": []}
    (tmp_path / "validation.json").write_text(json.dumps(results))
    if option == "seed":  # outcomes of validation have one
        import_file(tmp_path / "store", tmp_path / "validation.json", **given)
    else:
        with pytest.raises(UserError, match=f"--{option} would be ignored"):
            import_file(tmp_path / "store", tmp_path / "validation.json", **given)


def test_export_says_what_is_not_there(made_store, tmp_path):
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"direction": "none"}, "nothing was collected with direction none"),
        ({"set_name": "none"}, "no outcomes of mean_difference on set 'none'"),
        ({"train": "gone"}, "no training set 'gone'"),
        ({"train": ""}, "no training set ''"),
        (
            {"format": "xml"},
            "unknown export format 'xml': there are report, every_eval_ever, csv, jsonl, parquet",
        ),
    ]
    for given, message in wrong:
        with pytest.raises(UserError, match=message):
            export(made_store, tmp_path / "out", **given)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    with pytest.raises(UserError, match="is there already"):
        export(made_store, tmp_path / "full")


def test_the_commands(tmp_path, made_store):
    runner = CliRunner()
    path, store = _tidy(tmp_path, "csv"), tmp_path / "store"
    given = [f"--map={name}={column}" for name, column in MAPPING.items()]
    result = runner.invoke(app, ["import", str(store), str(path), *given])
    assert "more than 1%" in str(result.exception)
    assert not store.exists()
    result = runner.invoke(app, ["import", str(store), str(path), *given, "--allow-bad"])
    assert result.exit_code == 0
    assert "2 problems, 2 problem_sets, 4 outcomes" in result.stdout
    assert "found 'maybe'" in result.stderr
    assert counts(store)[0]["n"] == 2
    result = runner.invoke(app, ["export", str(made_store), str(tmp_path / "out"), "--json"])
    assert result.exit_code == 0
    assert all(Path(file).exists() for file in json.loads(result.stdout)["files"])


def test_import_is_a_command_of_the_front_door(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import steerstat; steerstat.main()", "store", "import", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "--strict" in done.stdout


def test_imported_vectors_fit_the_model_that_they_are_said_to_be_of(tmp_path):
    store = create_store(tmp_path / "store")
    model = {"model_id": "m", "name": "mine", "family": "codi", "d_model": 3, "n_latent": 2}
    append(store, "models", [model | {"weights_sha256": "w", "tokenizer_sha256": "t"}])
    np.savez(tmp_path / "wide.npz", direction=np.ones((2, 4)))
    report = import_file(
        store, tmp_path / "wide.npz", direction="wide", model="mine", allow_bad=True
    )
    assert "the store's models need [2, 3] for mine" in report.errors[0]
    assert report.added.get("directions") is None
    # Of another model nothing is known.
    assert import_file(store, tmp_path / "wide.npz", direction="wide").errors == []
    np.savez(tmp_path / "fits.npz", direction=np.ones((2, 3)))
    assert import_file(store, tmp_path / "fits.npz", direction="fits", model="mine").errors == []
    np.savez(tmp_path / "inf.npz", direction=np.array([[1.0, np.inf, 0.0]] * 2))
    report = import_file(store, tmp_path / "inf.npz", direction="inf", model="mine", allow_bad=True)
    assert "NaN or infinite" in report.errors[0]
