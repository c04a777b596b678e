"""Problems from the layouts in which data sets are published, and what of them is not used."""

from __future__ import annotations

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from collect.cli.problems import app
from collect.problems.problems import Problems, is_pairs_file, read_file, refuse_lost
from sql.errors import UserError
from store.shards import committed

COCONUT = [
    {"question": "3 + 4?", "answer": "7", "steps": ["<<3+4=7>>"], "idx": 0},
    {"question": "12 * 100 - 1?", "answer": "1,199", "steps": ["a", "b"], "idx": 1},
    {"question": "2 - 5?", "answer": "-3", "steps": [], "idx": 2},
]
LAYOUTS = {
    "coconut": (COCONUT, [("3 + 4?", "7", 1), ("12 * 100 - 1?", "1199", 2), ("2 - 5?", "-3", 0)]),
    "gsm8k": (
        [{"question": "2 + 3?", "answer": "2+3=<<2+3=5>>5\n5*2=<<5*2=10>>10\n#### 10"}],
        [("2 + 3?", "10", 2)],
    ),
    "gsm8k-aug": (
        [{"question": "2 + 3?", "cot": "<<2+3=5>> <<5*2=10>>", "answer": "10"}],
        [("2 + 3?", "10", 2)],
    ),
    "svamp": (
        [{"Body": "He had 5 pens.", "Question": "And 3?", "Equation": "( 5 + 3 )", "Answer": 8.0}],
        [("He had 5 pens. And 3?", "8", None)],
    ),
    "svamp of the hub": (
        [{"Body": "a", "Question": "b", "question_concat": "a b?", "Answer": "51.0"}],
        [("a b?", "51", None)],
    ),
    "gsm-hard": (
        [{"input": "Many?", "code": "def f(): return 7", "target": 5231.5}],
        [("Many?", "5231.5", None)],
    ),
    "gsm-hard of codi": (
        [{"instruction": "Many?", "response": "-1,000"}],
        [("Many?", "-1000", None)],
    ),
    "multiarith": ([{"question": "How?", "final_ans": "17"}], [("How?", "17", None)]),
    "multiarith of its authors": (
        [{"iIndex": 1, "sQuestion": "How?", "lEquations": ["X=9+8"], "lSolutions": [17.0]}],
        [("How?", "17", None)],
    ),
    "math": (
        [
            {
                "problem": "Half?",
                "level": "Level 1",
                "type": "A",
                "solution": r"so $\boxed{\frac12}$.",
            }
        ],
        [("Half?", "0.5", None)],
    ),
    "math-500": (
        [{"problem": "Half?", "solution": r"\boxed{9}", "answer": r"\frac{1}{2}", "level": 1}],
        [("Half?", "0.5", None)],
    ),
}


def write(path, rows):
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text(json.dumps(rows))
    return path


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_published_layouts_are_read_as_they_are(tmp_path, layout, suffix):
    rows, expected = LAYOUTS[layout]
    found = read_file(write(tmp_path / f"x{suffix}", rows))
    assert [(row["question"], row["answer"], row["n_steps"]) for row in found.rows] == expected
    assert not found.errors


def test_columns_of_other_names_are_said_and_kept_columns_are_attributes(tmp_path):
    rows, _ = LAYOUTS["svamp"]
    found = read_file(write(tmp_path / "x.json", rows))
    assert found.notes == ["x.json: question is Body+Question, answer is Answer"]
    assert json.loads(found.rows[0]["attributes"]) == {"Equation": "( 5 + 3 )"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"data": COCONUT, "version": 1}),
        json.dumps({name: [row[name] for row in COCONUT] for name in COCONUT[0]}),
        json.dumps({str(i): row for i, row in enumerate(COCONUT)}),
        json.dumps({"rows": [{"row_idx": i, "row": row} for i, row in enumerate(COCONUT)]}),
        "".join(json.dumps(row) + "\n" for row in COCONUT),
        "\ufeff" + json.dumps(COCONUT),
        json.dumps(COCONUT, indent=1).replace("\n", "\r\n"),
    ],
)
def test_lists_in_json_in_every_wrapping(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_bytes(text.encode())
    assert [row["answer"] for row in read_file(path).rows] == ["7", "1199", "-3"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_as_windows_saves_them(tmp_path, encoding, end):
    lines = [json.dumps(row) for row in COCONUT]
    (tmp_path / "x.jsonl").write_bytes((end.join(lines) + end).encode(encoding))
    table = end.join(["question,answer", "3 + 4?,7", '"a, b?","1,199"'])
    (tmp_path / "x.csv").write_bytes(table.encode(encoding))
    assert len(read_file(tmp_path / "x.jsonl").rows) == 3
    assert [row["answer"] for row in read_file(tmp_path / "x.csv").rows] == ["7", "1199"]


def test_a_mapping_comes_before_what_is_known(tmp_path):
    rows = [{"question": "no", "answer": "1", "Text": "a", "Tail": "b?", "Gold": "2", "k": "3"}]
    path = write(tmp_path / "x.jsonl", rows)
    mapping = {"question": "Text+Tail", "answer": "Gold", "n_steps": "k"}
    [row] = read_file(path, mapping=mapping).rows
    assert (row["question"], row["answer"], row["n_steps"]) == ("a b?", "2", 3)


def test_a_decimal_of_json_is_never_a_float(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('[{"question": "a?", "answer": 0.12345678901234567890123, "score": NaN}]')
    [row] = read_file(path).rows
    assert row["answer"] == "0.12345678901234567890123"
    assert json.loads(row["attributes"]) == {"score": None}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"answer": "1"}, "field question: the question is empty or no text"),
        ({"question": 5, "answer": "1"}, "field question: the question is empty or no text"),
        ({"question": "a?"}, "field answer: no answer, found None"),
        ({"question": "a?", "answer": [1, 2]}, "field answer: no answer, found [1, 2]"),
        ({"question": "a?", "answer": "no 5"}, "field answer: no number in the answer 'no 5'"),
        ({"question": "a?", "answer": "1", "n_steps": 1.5}, "field n_steps: n_steps is a whole"),
        ({"question": "a?", "answer": "1", "n_steps": -1}, "field n_steps: n_steps is a whole"),
    ],
)
def test_an_entry_that_is_none_is_named_by_place_field_and_reason(tmp_path, entry, reason):
    rows = [{"question": "b?", "answer": "2", "n_steps": 1}, entry]
    found = read_file(write(tmp_path / "x.jsonl", rows))
    assert len(found.rows) == 1
    assert found.errors[0].startswith(f"x.jsonl line 2: {reason}")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "x.jsonl",
            '{"frage": "a"}',
            "has the columns frage, none of which is known to be the",
        ),
        (
            "x.jsonl",
            '{"question": "a", "x": "1"}',
            "known to be the answer: say which with --map",
        ),
        ("x.json", "{", "cannot read x.json as JSON"),
        ("x.json", "[" * 100_000, "cannot read x.json as JSON"),
        ("x.json", "[]", "x.json has no entries"),
        ("x.json", '{"a": 1}', "holds no list of problems: it has a"),
        ("x.jsonl", "", "is empty"),
        ("x.txt", "hello", "neither JSON nor JSONL, CSV or Parquet"),
        ("x.jsonl", "no json", "no problems there: x.jsonl line 1: no JSON"),
        ("x.parquet", "no", "cannot read"),
    ],
)
def test_a_file_of_no_problems_is_refused_in_one_line(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        read_file(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"gold": "answer"}, "--map knows no 'gold': it maps question, answer, n_steps"),
        ({"answer": "Antwort"}, "x.jsonl has no column 'Antwort': it has question, answer"),
    ],
)
def test_a_mapping_that_names_nothing_is_refused(tmp_path, mapping, message):
    path = write(tmp_path / "x.jsonl", [{"question": "a?", "answer": "1"}])
    with pytest.raises(UserError, match=re.escape(message)):
        read_file(path, mapping=mapping)


@pytest.mark.parametrize(("bad", "good", "refused"), [(1, 99, False), (1, 98, True), (0, 1, False)])
def test_one_in_a_hundred_may_be_lost(bad, good, refused):
    problems = Problems(rows=[{}] * good, errors=["x line 1: gone"] * bad)
    if not refused:
        refuse_lost(problems)
        return
    with pytest.raises(UserError, match=f"{bad} of {bad + good} entries.*--allow-bad.*x line 1"):
        refuse_lost(problems)


@pytest.mark.parametrize(
    ("n_good", "options", "code", "added"),
    [
        (1, [], 2, 0),
        (1, ["--allow-bad"], 0, 1),
        (120, [], 1, 120),
        (120, ["--strict"], 2, 0),
        (120, ["--allow-bad"], 0, 120),
    ],
)
def test_entries_are_never_lost_in_silence(tmp_path, n_good, options, code, added):
    rows = [{"question": f"{i} + 1?", "answer": str(i + 1)} for i in range(n_good)]
    path = write(tmp_path / "x.jsonl", [*rows, {"question": "none?", "answer": "five"}])
    store = tmp_path / "store"
    result = CliRunner().invoke(app, ["add", str(store), str(path), *options])
    there = committed(store, "problems").num_rows if store.exists() else 0
    assert there == added
    if code == 2:
        assert isinstance(result.exception, UserError)
        assert f"x.jsonl line {n_good + 1}: field answer" in str(result.exception)
    else:
        assert result.exit_code == code
        assert f"left out: x.jsonl line {n_good + 1}: field answer: no number" in result.output


def test_pairs_are_told_from_problems_by_their_entries(tmp_path):
    pairs = [{"pair_id": 1, "clean": {"question": "a?", "answer": "1"}}]
    assert is_pairs_file(write(tmp_path / "pairs.json", pairs))
    assert not is_pairs_file(write(tmp_path / "x.json", COCONUT))
    assert not is_pairs_file(tmp_path / "gone.json")
