"""Which column of a tidy file is which, what its cells may hold, and what the report tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sql.errors import UserError
from store import append, committed, ingest
from store.answers import VERSION
from store.exchange.columns import ALIASES, found_columns, real, whole
from store.exchange.exporters import export
from store.exchange.importers import import_file
from store.identity import problem_id
from tests.paths import PUBLISHED
from tests.reading import read


def imported(folder: Path, text: str, **given: Any) -> tuple[Path, Any]:
    """The store and report of an import of a CSV text."""
    file = folder / "x.csv"
    file.write_text(text)
    return folder / "store", import_file(folder / "store", file, allow_bad=True, **given)


def test_every_alias_stands_for_one_name() -> None:
    known = [*ALIASES, *(alias for aliases in ALIASES.values() for alias in aliases)]
    assert len(known) == len(set(known))
    for name, aliases in ALIASES.items():
        for column in (name, *aliases):
            for written in (column, column.upper(), f" {column.replace('_', ' ').title()} "):
                assert found_columns([written, "other"], {}) == {name: written}


def test_a_name_comes_before_its_aliases_and_a_mapping_before_both() -> None:
    assert found_columns(["Dose", "alpha"], {}) == {"alpha": "alpha"}
    assert found_columns(["dose", "alpha"], {"alpha": "dose"}) == {"alpha": "dose"}
    # A column that the user gave away is free for nothing else.
    assert found_columns(["id", "x"], {"direction": "id"}) == {"direction": "id"}
    for header in (["dose", "strength"], ["Seed", "seed"]):
        with pytest.raises(UserError, match=f"the columns {header[0]} and {header[1]} both stand"):
            found_columns(header, {})


def test_a_column_of_doses_is_read_and_four_doses_stay_four(tmp_path: Path) -> None:
    doses = "".join(f"p,d,{dose},1\n" for dose in (-3, -1, 1, 3))
    store, report = imported(tmp_path, f"Item,Vector,Dose,Is_Right\n{doses}")
    assert report.errors == []
    assert report.added["outcomes"] == 4
    assert report.notes == [
        "x.csv: tidy, 4 rows",
        "x.csv: column Item is problem",
        "x.csv: column Vector is direction",
        "x.csv: column Dose is alpha",
        "x.csv: column Is_Right is correct",
    ]
    ingest(store)
    alphas = read(store, "SELECT alpha FROM conditions ORDER BY alpha")["alpha"].to_pylist()
    assert alphas == [-3, -1, 1, 3]


def test_what_is_not_read_and_what_came_twice_is_told(tmp_path: Path) -> None:
    rows = "".join(f"p,d,{amount},1\n" for amount in (-3, -1, 1, 3))
    _, report = imported(tmp_path, f"problem,direction,amount,correct\n{rows}")
    assert report.added["outcomes"] == 1
    assert report.notes == [
        "x.csv: tidy, 4 rows",
        "x.csv: not read: amount (say what a column is with --map name=column)",
        "x.csv: no column is alpha: every steered row counts as dose 1",
        "3 outcomes repeat an earlier one of the file (same condition, problem, seed) and count "
        "once",
    ]


def test_rows_of_json_need_not_have_the_same_columns(tmp_path: Path) -> None:
    rows = [{"problem": "p", "correct": 0}]
    rows.append({"problem": "p", "correct": 1, "direction": "d", "Dose": 2, "Seed": 3, "x": 1})
    file = tmp_path / "x.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = import_file(tmp_path / "store", file)
    assert (report.added["outcomes"], report.errors) == (2, [])
    assert "x.jsonl: not read: x (say what a column is with --map name=column)" in report.notes
    ingest(tmp_path / "store")
    query = "SELECT alpha, seed FROM outcomes JOIN conditions USING (condition_id) ORDER BY alpha"
    found = read(tmp_path / "store", query).to_pylist()
    assert found == [{"alpha": 0, "seed": 0}, {"alpha": 2, "seed": 3}]


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("Seed", "1.7", "seed is a whole number from -2147483648 to 2147483647, found '1.7'"),
        ("Seed", "2147483648", "seed is a whole number"),
        ("Seed", "1e400", "seed is a finite number"),
        ("margin", "1e400", "margin is kept as float32"),
        ("Seed", "one", "seed is a number, found 'one'"),
        ("Dose", "1,5", "alpha is a number, found '1,5'"),
        ("Dose", "1_5", "alpha is a number, found '1_5'"),
        ("Dose", "-inf", "alpha is a finite number, found '-inf'"),
        ("Steps", "-1", "n_steps is a whole number from 0"),
        ("margin", "1e39", "margin is kept as float32, which does not reach '1e39'"),
        ("logprob", "0x1", "gold_logprob is a number"),
        ("right", "2", "correct is true or false, found '2'"),
    ],
)
def test_a_number_that_is_none_is_refused_with_line_and_column(
    tmp_path: Path, column: str, value: str, told: str
) -> None:
    header = {"problem": "p", "direction": "d", "Dose": "1", "right": "1"} | {column: value}
    lines = [",".join(f'"{cell}"' for cell in line) for line in (header, header.values())]
    good = ",".join({**header, column: "1"}.values())
    _, report = imported(tmp_path, "\n".join([lines[0], good, lines[1]]) + "\n")
    assert report.added["outcomes"] == 1
    (line,) = report.errors
    assert line.startswith(f"x.csv line 3: column {column}: {told}")


@pytest.mark.parametrize(
    ("value", "number"),
    [("3", 3), ("3.0", 3), (3.0, 3), (" -3 ", -3), ("1e3", 1000), (2**53 + 1, 2**53 + 1),
     (str(2**53 + 1), 2**53 + 1)],
)  # fmt: skip
def test_whole_numbers(value: Any, number: int) -> None:
    assert whole(value, "n", -10, 2**63 - 1) == number


@pytest.mark.parametrize("value", [True, "", "1.5", 1.5, "٣", [1], None, "nan", 2**63, "-11"])
def test_what_is_no_whole_number(value: Any) -> None:
    with pytest.raises(UserError):
        whole(value, "n", -10, 2**63 - 1)


def test_infinity_is_a_value_of_a_margin() -> None:
    assert [real(text, "margin") for text in ("inf", "-Infinity", 1.5)] == [
        float("inf"),
        float("-inf"),
        1.5,
    ]


def test_a_steered_row_without_a_dose_and_a_torn_row_are_errors(tmp_path: Path) -> None:
    text = "problem,direction,alpha,correct\np,d,,1\np,d,1\np,,,1\np,d,2,1,5\n"
    _, report = imported(tmp_path, text)
    assert report.errors == [
        "x.csv line 2: has direction d but no alpha",
        "x.csv line 3: has 3 cells, the header 4",
        "x.csv line 5: has 5 cells, the header 4",
    ]
    assert report.added["outcomes"] == 1


def test_a_column_of_parquet_may_hold_floats_for_whole_numbers(tmp_path: Path) -> None:
    table = pa.table({"problem": ["p", "q"], "correct": [True, False], "seed": [1.0, None]})
    pq.write_table(table, tmp_path / "x.parquet")
    assert import_file(tmp_path / "store", tmp_path / "x.parquet").errors == []
    ingest(tmp_path / "store")
    assert read(tmp_path / "store", "SELECT seed FROM outcomes ORDER BY seed")[
        "seed"
    ].to_pylist() == [0, 1]


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the report's data are not here")
def test_the_published_validation_says_which_outcomes_repeat(tmp_path: Path) -> None:
    pairs = PUBLISHED / "problem_pairs_gpt4_answers.json"
    file = PUBLISHED / "validation_results_gpt2_gpt4_532.json"
    report = import_file(tmp_path / "store", file, pairs_file=pairs)
    # 532 pairs of two sides: what is not a row of its own is told.
    assert report.errors == []
    n_repeats = 2 * 532 - report.added["outcomes"]
    assert f"{n_repeats} outcomes repeat an earlier one of the file" in report.notes[-1]


@pytest.mark.parametrize("pair_id", ["a12", 1.7, None, [1], -1, 2**70, True])
def test_a_key_that_is_no_pair_of_the_report_stops_no_import_and_no_export(
    tmp_path: Path, pair_id: Any
) -> None:
    store = tmp_path / "store"
    synthetic = {"question": "2 + 2?", "answer": "4"}
    row = {"problem_id": problem_id("2 + 2?", "4"), **synthetic}
    (tmp_path / "x.csv").write_text("problem,direction,alpha,correct\np,,0,1\np,d,1,1\n")
    import_file(store, tmp_path / "x.csv", set_name="primary")
    append(store, "problems", [{**row, "attributes": json.dumps({"pair_id": pair_id})}])
    pairs = [
        {"pair_id": number, "clean": {"question": f"{i} + 1?", "answer": i}}
        for i, number in enumerate([pair_id, 7])
    ]
    (tmp_path / "pairs.json").write_text(json.dumps(pairs))
    report = import_file(store, tmp_path / "pairs.json", allow_bad=True)
    assert report.added["problems"] == 1
    assert any("entry 0, clean: pair_id is a" in line for line in report.errors)
    assert import_file(store, tmp_path / "x.csv", set_name="again").errors == []
    files = export(store, tmp_path / "out")
    numbers = [entry["pair_id"] for entry in json.loads(files[0].read_text())]
    assert len(set(numbers)) == 3
    assert 7 in numbers


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            "problem,direction,alpha,correct\np,org/model-vec,1,1\n",
            "direction name 'org/model-vec'",
        ),
        ("problem,protocol,correct\np,two words,1\n", "protocol 'two words'"),
        ("problem,model,correct\np,../m,1\n", "model name '../m'"),
    ],
)
def test_a_name_that_is_none_refuses_the_file_in_one_line(tmp_path, text, what) -> None:
    with pytest.raises(UserError, match=what) as caught:
        imported(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "store").exists()


def test_conditions_whose_answers_were_read_say_by_which_reader(tmp_path) -> None:
    store, _ = imported(tmp_path, "problem,gold,answer\np,5,the answer is 5\n")
    (row,) = committed(store, "conditions").to_pylist()
    assert json.loads(row["protocol_fields"]) == {"source": "tidy", "parser_version": VERSION}
    (tmp_path / "verdicts").mkdir()
    store, _ = imported(tmp_path / "verdicts", "problem,correct\np,1\n")
    (row,) = committed(store, "conditions").to_pylist()
    assert json.loads(row["protocol_fields"]) == {"source": "tidy"}


def test_doses_of_a_file_count_with_twelve_digits(tmp_path) -> None:
    lines = "p,d,0.30000000000000004,1\np,d,0.3,1\n"
    store, report = imported(tmp_path, f"problem,direction,alpha,correct\n{lines}")
    assert not report.errors
    assert committed(store, "conditions")["alpha"].to_pylist() == [0.3]
