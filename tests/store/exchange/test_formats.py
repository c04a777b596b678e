"""Files as other programs write them: small, by hand, in the layouts of their writers."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sql.errors import UserError
from store import ingest
from store.exchange import formats, tidy
from store.exchange.columns import verdict
from store.exchange.exporters import export
from store.exchange.importers import import_file
from store.exchange.source import Source
from tests.reading import read

Rows = list[dict[str, Any]]


def written(folder: Path, name: str, content: Any) -> Path:
    """A file of lines of JSON, of a document, or of text."""
    path = folder / name
    if name.endswith(".jsonl"):
        path.write_text("".join(json.dumps(row) + "\n" for row in content))
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def outcomes(store: Path) -> list[tuple[Any, ...]]:
    """(question, direction, alpha, seed, answer, status, correct) of every outcome."""
    ingest(store)
    query = (
        "SELECT question, d.name, alpha, seed, o.answer, status, correct FROM outcomes AS o "
        "JOIN conditions USING (condition_id) JOIN problems USING (problem_id) "
        "LEFT JOIN directions AS d USING (direction_id) ORDER BY ALL"
    )
    return [tuple(row.values()) for row in read(store, query).to_pylist()]


def lm_eval_row(doc: int, filtered: str, right: float, filter: str = "strict") -> dict[str, Any]:
    question = f"{doc} + 1?"
    return {
        "doc_id": doc,
        "doc": {"question": question, "answer": f"#### {doc + 1}"},
        "target": f"#### {doc + 1}",
        "arguments": {"gen_args_0": {"arg_0": f"Question: {question}", "arg_1": {}}},
        "resps": [[f"it is {filtered}"]],
        "filtered_resps": [filtered],
        "filter": filter,
        "metrics": ["exact_match"],
        "doc_hash": f"{doc:064x}",
        "exact_match": right,
    }


LM_EVAL = [
    lm_eval_row(1, "2", 1.0),
    lm_eval_row(2, "[invalid]", 0.0),
    lm_eval_row(1, "2", 1.0, "flexible"),
    lm_eval_row(2, "5", 0.0, "flexible"),
]


def test_of_lm_eval_one_filter_is_chosen_and_the_steered_file_has_a_direction(tmp_path) -> None:
    file, store = written(tmp_path, "samples_gsm8k.jsonl", LM_EVAL), tmp_path / "store"
    with pytest.raises(UserError, match="2 kinds of filter, strict, flexible: choose one"):
        import_file(store, file)
    assert not store.exists()
    import_file(store, file, filters={"filter": "flexible"})
    report = import_file(
        store, file, filters={"filter": "strict"}, direction="honesty", alpha=2, seed=7
    )
    assert report.errors == []
    assert outcomes(store) == [
        ("1 + 1?", "honesty", 2.0, 7, "2", "ok", True),
        ("1 + 1?", None, 0.0, 0, "2", "ok", True),
        ("2 + 1?", "honesty", 2.0, 7, None, "parse_fail", None),
        ("2 + 1?", None, 0.0, 0, "5", "ok", False),
    ]
    with pytest.raises(UserError, match="no row has it; there are strict, flexible"):
        import_file(store, file, filters={"filter": "loose"})


def test_the_results_beside_a_file_name_the_model(tmp_path) -> None:
    name = "2026-01-02T03-04-05"
    arguments = "pretrained=owner/name,dtype=float32"
    written(tmp_path, f"results_{name}.json", {"config": {"model_args": arguments}})
    file = written(tmp_path, f"samples_gsm8k_{name}.jsonl", LM_EVAL[:2])
    import_file(tmp_path / "store", file)
    ingest(tmp_path / "store")
    found = read(tmp_path / "store", "SELECT DISTINCT m.name FROM conditions JOIN models AS m "
                 "USING (model_id)")  # fmt: skip
    assert found["name"].to_pylist() == ["owner/name"]


def test_a_steered_model_is_never_taken_for_the_baseline(tmp_path) -> None:
    name, store = "2026-01-02T03-04-05", tmp_path / "store"
    arguments = {"pretrained": "owner/name", "steer_path": "honesty.pt"}
    written(tmp_path, f"results_{name}.json", {"config": {"model_args": arguments}})
    file = written(tmp_path, f"samples_gsm8k_{name}.jsonl", LM_EVAL[:2])
    with pytest.raises(UserError, match=r"steered model .*honesty\.pt.* --direction and --alpha"):
        import_file(store, file)
    assert not store.exists()
    import_file(store, file, direction="honesty", alpha=2)
    assert {row[1:3] for row in outcomes(store)} == {("honesty", 2.0)}


def inspect_sample(number: int, value: Any, **more: Any) -> dict[str, Any]:
    scores = {"match": {"value": value, "answer": "2"}}
    shared = {"id": number, "epoch": 1, "input": f"{number} + 1?", "target": "2"}
    return {**shared, "output": {"completion": "2"}, "scores": scores, **more}


SAMPLES = [
    inspect_sample(1, "C"),
    inspect_sample(2, "I"),
    inspect_sample(3, "N"),
    inspect_sample(4, "C", error={"message": "rate limit"}),
    inspect_sample(5, "I", limit={"type": "token", "limit": 8}),
    inspect_sample(6, float("nan")),
]
GRADED = [
    ("1 + 1?", None, 0.0, 1, "2", "ok", True),
    ("2 + 1?", None, 0.0, 1, "2", "ok", False),
    ("3 + 1?", None, 0.0, 1, None, "parse_fail", None),
    ("4 + 1?", None, 0.0, 1, None, "error", None),
    ("5 + 1?", None, 0.0, 1, None, "truncated", None),
    ("6 + 1?", None, 0.0, 1, None, "parse_fail", None),
]


def zstd_zip(path: Path, members: dict[str, Any]) -> Path:
    """A zip whose members are compressed by method 93, which the standard library cannot write."""
    packed = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            text = json.dumps(content).encode()
            packed[name] = (text, pa.compress(text, codec="zstd", asbytes=True))
            file.writestr(name, packed[name][1])
    data = path.read_bytes()
    for text, small in packed.values():
        crc, size = zlib.crc32(small), len(small).to_bytes(4, "little")
        old = crc.to_bytes(4, "little") + size + size
        new = zlib.crc32(text).to_bytes(4, "little") + size + len(text).to_bytes(4, "little")
        assert data.count(old) == 2  # before the member, and in the directory
        data = data.replace(old, new)
    for signature, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = data.find(signature)
        while start >= 0:
            data = data[: start + at] + (93).to_bytes(2, "little") + data[start + at + 2 :]
            start = data.find(signature, start + 4)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".json", ".eval"])
def test_logs_of_inspect(tmp_path, suffix) -> None:
    header = {"status": "success", "eval": {"model": "mockllm/model", "task_args": {"dose": 3}}}
    if suffix == ".json":
        file = written(tmp_path, "log.json", {**header, "samples": SAMPLES})
    else:
        members = {f"samples/{one['id']}_epoch_1.json": one for one in SAMPLES}
        file = zstd_zip(tmp_path / "log.eval", {"header.json": header, **members})
    import_file(tmp_path / "store", file)
    found = outcomes(tmp_path / "store")
    assert [row[-1] for row in found] == [row[-1] for row in GRADED]
    assert [row[-2] for row in found][3:5] == ["error", "truncated"]
    report = import_file(
        tmp_path / "steered", file, mapping={"alpha": "task_arg_dose"}, direction="d"
    )
    assert {one["condition"] for one in report.preview} == {"d at 3"}


def test_a_torn_log_is_one_line(tmp_path) -> None:
    (tmp_path / "x.eval").write_bytes(b"no zip")
    with pytest.raises(UserError, match=r"cannot read .*x\.eval as a log"):
        import_file(tmp_path / "store", tmp_path / "x.eval")


@pytest.mark.parametrize(
    ("value", "right_from", "read_as"),
    [("C", None, True), ("I", None, False), ("N", None, None), ("P", 0.5, True), ("P", 0.6, False),
     ("0.49", 0.5, False), (1.5, 1, True), ("true", 0.5, True), (0, 0, True)],
)  # fmt: skip
def test_grades_and_scores(value, right_from, read_as) -> None:
    assert verdict(value, "correct", right_from) is read_as


@pytest.mark.parametrize("value", ["P", 0.5, "0.3"])
def test_a_score_without_a_threshold_is_refused(value) -> None:
    with pytest.raises(UserError, match="--right-from"):
        verdict(value, "correct")


def test_a_store_goes_out_as_every_eval_ever_and_comes_back(tmp_path) -> None:
    text = (
        "question,gold,direction,alpha,seed,answer,correct,status\n"
        "1+1?,2,,0,0,2,1,\n1+2?,3,,0,0,,,truncated\n1+1?,2,up,-0.5,4,3,0,\n1+2?,3,up,-0.5,4,3,1,\n"
    )
    import_file(tmp_path / "a", written(tmp_path, "x.csv", text))
    (file,) = export(tmp_path / "a", tmp_path / "o.jsonl", format="every_eval_ever")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    missing = [row for row in rows if row["error"]]
    assert [row["evaluation"]["is_correct"] for row in missing] == [False]
    report = import_file(tmp_path / "b", file)
    assert report.errors == []
    assert outcomes(tmp_path / "b") == outcomes(tmp_path / "a")
    # Another program's line knows nothing of ours: its error makes the outcome missing.
    for row in rows:
        row["metadata"] = {}
    missing = [row for row in rows if row["error"]]
    import_file(tmp_path / "c", written(tmp_path, "theirs.jsonl", missing))
    assert [row[5:] for row in outcomes(tmp_path / "c")] == [("error", None)]


def test_tables_of_axbench_have_a_method_as_direction(tmp_path) -> None:
    shared = {"concept_id": 3, "input_id": 0, "original_prompt": "Hi", "M_steered_generation": "x"}
    said = "M_LMJudgeEvaluator_relevance_concept_ratings_completions"
    rows = [
        {**shared, "factor": 0.5, "M_LMJudgeEvaluator": 1.2, said: "Rating: [[1]]"},
        {**shared, "factor": 1.0, "M_LMJudgeEvaluator": 0.0, said: "Rating: [[0]]"},
        {**shared, "factor": 2.0, "M_LMJudgeEvaluator": 0.0, said: "I cannot tell."},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "x.parquet")
    import_file(tmp_path / "store", tmp_path / "x.parquet", right_from=1)
    found = [(row[1], row[2], row[5], row[6]) for row in outcomes(tmp_path / "store")]
    assert found == [("M", 0.5, "ok", True), ("M", 1.0, "ok", False), ("M", 2.0, "error", None)]


def test_profiles_of_aisteer_pair_questions(tmp_path) -> None:
    def trial(params: Any, *letters: str | None) -> dict[str, Any]:
        asked = [{"response": one, "prompt": f"{one}?", "question_id": f"q{i}",
                  "reference_answer": "A"} for i, one in enumerate(letters)]  # fmt: skip
        return {"trial_id": 0, "generations": asked, "evaluations": {}, "params": params}

    document = {
        "base": [trial({}, "A", "B")],
        "caa": [trial({"CAA": {"multiplier": 2}}, None, "A")],
    }
    import_file(tmp_path / "store", written(tmp_path, "profiles.json", document))
    assert [row[:3] + row[5:] for row in outcomes(tmp_path / "store")] == [
        ("q0", "caa", 2.0, "parse_fail", None),
        ("q0", None, 0.0, "ok", True),
        ("q1", "caa", 2.0, "ok", True),
        ("q1", None, 0.0, "ok", False),
    ]


def test_ablations_hold_their_baseline(tmp_path) -> None:
    row = {"sample_id": 1, "question": "1+1?", "gold_answer": "2", "step": 3, "mode": "zero"}
    row |= {"baseline": {"text": ["so 2"]}, "ablated": {"text": ["so 5"]}}
    import_file(tmp_path / "store", written(tmp_path, "x.jsonl", [row, {**row, "step": 4}]))
    assert [row[1:3] + row[4:] for row in outcomes(tmp_path / "store")] == [
        ("ablate-zero-step3", 1.0, "5", "ok", False),
        ("ablate-zero-step4", 1.0, "5", "ok", False),
        (None, 0.0, "2", "ok", True),
    ]


def test_propensities_need_a_threshold(tmp_path) -> None:
    np.save(tmp_path / "propensities_layer_3.npy", np.array([[-1.0, 0.5], [0.0, 2.0]]))
    np.save(tmp_path / "multipliers.npy", np.array([0.0, 1.0]))
    file = tmp_path / "propensities_layer_3.npy"
    import_file(tmp_path / "store", file, right_from=0)
    found = [(row[0], row[2], row[6]) for row in outcomes(tmp_path / "store")]
    assert sorted(found) == [
        ("example 0", 0.0, False), ("example 0", 1.0, True),
        ("example 1", 0.0, True), ("example 1", 1.0, True),
    ]  # fmt: skip


def scores(store: Path) -> list[tuple[Any, ...]]:
    """(question, direction, alpha, name, value) of every score."""
    ingest(store)
    query = (
        "SELECT question, d.name, alpha, s.name AS score, value FROM scores AS s "
        "JOIN conditions USING (condition_id) JOIN problems USING (problem_id) "
        "LEFT JOIN directions AS d USING (direction_id) ORDER BY ALL"
    )
    return [tuple(row.values()) for row in read(store, query).to_pylist()]


def test_propensities_are_scores(tmp_path) -> None:
    np.save(tmp_path / "propensities_layer_3.npy", np.array([[-1.0, 0.5], [np.nan, 2.0]]))
    np.save(tmp_path / "multipliers.npy", np.array([0.0, 1.0]))
    import_file(tmp_path / "store", tmp_path / "propensities_layer_3.npy")
    assert scores(tmp_path / "store") == [
        ("example 0", "steering_vector", 1.0, "propensity", 0.5),
        ("example 0", None, 0.0, "propensity", -1.0),
        ("example 1", "steering_vector", 1.0, "propensity", 2.0),
        ("example 1", None, 0.0, "propensity", None),
    ]
    assert [row[5:] for row in outcomes(tmp_path / "store")] == [
        ("ok", None), ("ok", None), ("ok", None), ("error", None),
    ]  # fmt: skip


AXBENCH_MEANS = [
    {
        "concept_id": concept,
        "results": {
            "LMJudgeEvaluator": {
                "DiffMean": {
                    "lm_judge_rating": [low, high],
                    "fluency_ratings": [1.0, 1.5],
                    "factor": [0.0, 1.0],
                    "raw_fluency_ratings": [0.0] * 6,
                }
            },
            "PerplexityEvaluator": {"DiffMean": {"perplexity": [3.0, 9.0], "factor": [0.0, 1.0]}},
        },
    }
    for concept, low, high in ((4, 0.25, 1.0), (7, 0.5, 2.0))
]


def test_means_of_axbench_are_scores_of_concepts(tmp_path) -> None:
    file, store = written(tmp_path, "steering.jsonl", AXBENCH_MEANS), tmp_path / "store"
    with pytest.raises(UserError, match="2 kinds of evaluator, LMJudgeEvaluator, Perplexity"):
        import_file(store, file)
    import_file(store, file, filters={"evaluator": "LMJudgeEvaluator"}, right_from=0.5)
    assert scores(store) == [
        ("concept 4", "DiffMean", 1.0, "lm_judge_rating", 1.0),
        ("concept 4", None, 0.0, "lm_judge_rating", 0.25),
        ("concept 7", "DiffMean", 1.0, "lm_judge_rating", 2.0),
        ("concept 7", None, 0.0, "lm_judge_rating", 0.5),
    ]
    assert [row[6] for row in outcomes(store)] == [True, False, True, True]
    import_file(tmp_path / "b", file, filters={"evaluator": "PerplexityEvaluator"})
    assert [row[3:] for row in scores(tmp_path / "b")][:2] == [
        ("perplexity", 9.0), ("perplexity", 3.0),
    ]  # fmt: skip
    torn = written(tmp_path, "latent.jsonl", [{"concept_id": 1, "results": {"A": {"M": {}}}}])
    with pytest.raises(UserError, match="numbers by factor"):
        import_file(tmp_path / "c", torn)


def test_lists_of_easysteer_are_paired_by_position(tmp_path) -> None:
    store = tmp_path / "store"
    import_file(store, written(tmp_path, "answers.json", ["a", "b"]))
    steered = written(tmp_path, "qa_answers_steer_caa.json", ["a", "c"])
    with pytest.raises(UserError, match="no baseline: name what it was steered with"):
        import_file(store, steered)
    import_file(store, steered, direction="caa", alpha=2)
    assert outcomes(store) == [
        ("position 0", "caa", 2.0, 0, None, "error", None),
        ("position 0", None, 0.0, 0, None, "error", None),
        ("position 1", "caa", 2.0, 0, None, "error", None),
        ("position 1", None, 0.0, 0, None, "error", None),
    ]
    assert set(read(store, "outcomes")["text"].to_pylist()) == {"a", "b", "c"}
    (tmp_path / "TruthfulQA.csv").write_text("Type,Question\nx,Is it?\n")
    with pytest.raises(UserError, match="2 answers, TruthfulQA"):
        import_file(tmp_path / "b", tmp_path / "answers.json")
    (tmp_path / "TruthfulQA.csv").write_text('Type,Question\nx,Is it?\ny,"Is, it?"\n')
    import_file(tmp_path / "b", tmp_path / "answers.json")
    assert [row[0] for row in outcomes(tmp_path / "b")] == ["Is it?", "Is, it?"]


SCORED = "problem,direction,alpha,f1,error\na,,0,0.25,\nb,,0,,judge\na,up,2,0.75,\nb,up,2,1,\n"


@pytest.mark.parametrize(("name", "format"), [("o.csv", "csv"), ("o.jsonl", "jsonl"),
                                              ("o.jsonl", "every_eval_ever")])  # fmt: skip
def test_a_score_that_could_not_be_told_is_missing_and_goes_out_so(tmp_path, name, format) -> None:
    file = written(tmp_path, "x.csv", SCORED)
    import_file(tmp_path / "a", file, mapping={"score": "f1"})
    assert scores(tmp_path / "a") == [
        ("a", "up", 2.0, "f1", 0.75), ("a", None, 0.0, "f1", 0.25),
        ("b", "up", 2.0, "f1", 1.0), ("b", None, 0.0, "f1", None),
    ]  # fmt: skip
    (out,) = export(tmp_path / "a", tmp_path / name, format=format)
    assert import_file(tmp_path / "b", out).errors == []
    assert scores(tmp_path / "b") == scores(tmp_path / "a")
    assert outcomes(tmp_path / "b") == outcomes(tmp_path / "a")
    again = import_file(tmp_path / "a", file, mapping={"score": "f1"})
    assert (again.added, again.errors) == ({}, [])


@pytest.mark.parametrize("cell", ["x", "inf", "1,2,3"])
def test_a_score_is_a_finite_number(tmp_path, cell) -> None:
    file = written(tmp_path, "x.csv", f'problem,score\na,1\nb,"{cell}"\n')
    with pytest.raises(UserError, match="column score"):
        import_file(tmp_path / "store", file)


TIDY: Rows = [
    {"problem": "p", "direction": None, "alpha": 0, "correct": True},
    {"problem": "p", "direction": "up", "alpha": 0.5, "correct": False},
]
EXPECTED = [("p", "up", 0.5, 0, None, "ok", False), ("p", None, 0.0, 0, None, "ok", True)]


@pytest.mark.parametrize(
    "document",
    [
        TIDY,
        {"columns": list(TIDY[0]), "data": [list(row.values()) for row in TIDY]},
        {"schema": {}, "data": TIDY},
        {name: {str(i): row[name] for i, row in enumerate(TIDY)} for name in TIDY[0]},
    ],
)
def test_tables_as_one_document(tmp_path, document) -> None:
    import_file(tmp_path / "store", written(tmp_path, "x.json", document))
    assert outcomes(tmp_path / "store") == EXPECTED


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", "problem;direction;alpha;correct\np;;0;1\np;up;0,5;0\n"),
        ("x.csv", "sep=;\nproblem;direction;alpha;correct\np;;0;1\np;up;0,5;0\n"),
        ("x.csv", "\ufeffproblem\tdirection\talpha\tcorrect\r\np\t\t0\t1\r\np\tup\t,5\t0\r\n"),
        ("x.tsv", "problem\tdirection\talpha\tcorrect\np\t<NA>\t0\tTrue\np\tup\t0.5\tFalse\n"),
        ("x.csv", ",problem,direction,alpha,correct,\n0,p,,0,1,\n1,p,up,0.5,0,\n"),
    ],
)
def test_separated_values_as_programs_write_them(tmp_path, name, text) -> None:
    import_file(tmp_path / "store", written(tmp_path, name, text))
    assert outcomes(tmp_path / "store") == EXPECTED


@pytest.mark.parametrize(
    ("cell", "read_as"),
    [("0,5", "0.5"), ("-12,25", "-12.25"), ("1.234,5", "1234.5"), ("0,125", "0.125"),
     ("1,5E-05", "1.5E-05"), ("1,234", "1,234"), ("1,2,3", "1,2,3"), ("a,5", "a,5")],
)  # fmt: skip
def test_a_comma_that_can_be_of_thousands_stays(tmp_path, cell, read_as) -> None:
    file = written(tmp_path, "x.csv", f"problem;x\np;{cell}\n")
    assert [row for _, row in tidy.rows_of(file)] == [{"problem": "p", "x": read_as}]


def test_an_empty_verdict_is_missing_and_not_wrong(tmp_path) -> None:
    text = "problem,correct,error\na,1,\nb,<NA>,\nc,0,Timeout\nd,0,\n"
    import_file(tmp_path / "store", written(tmp_path, "x.csv", text))
    assert [row[5:] for row in outcomes(tmp_path / "store")] == [
        ("ok", True), ("error", None), ("error", None), ("ok", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "column"), [({"direction": "d"}, "direction"), ({"alpha": 1}, "alpha")]
)
def test_what_the_rows_say_is_not_said_of_all(tmp_path, given, column) -> None:
    file = written(tmp_path, "x.csv", "problem,direction,alpha,correct\np,up,1,1\n")
    with pytest.raises(UserError, match=f"the file's column {column} says it row by row"):
        import_file(tmp_path / "store", file, **given)


def test_a_dry_run_writes_nothing_and_shows_the_first_rows(tmp_path) -> None:
    text = "question,gold,answer,direction,alpha\n1+1?,2,two is 2,up,3\n"
    report = import_file(tmp_path / "store", written(tmp_path, "x.csv", text), dry_run=True)
    assert not (tmp_path / "store").exists()
    assert report.preview == [
        {"problem": "1+1?", "gold": "2", "answer": "2", "correct": True, "status": "ok",
         "condition": "up at 3", "seed": 0}
    ]  # fmt: skip


@pytest.mark.parametrize(("bad", "refused"), [(1, False), (2, True)])
def test_more_than_one_row_in_a_hundred_is_refused(tmp_path, bad, refused) -> None:
    lines = [f"p{i},{'x' if i < bad else 1}\n" for i in range(100)]
    file = written(tmp_path, "x.csv", "problem,correct\n" + "".join(lines))
    if refused:
        with pytest.raises(UserError, match=r"2 of 100 entries.*--allow-bad.*line 2: column corr"):
            import_file(tmp_path / "store", file)
        assert not (tmp_path / "store").exists()
    report = import_file(tmp_path / "store", file, allow_bad=refused)
    assert (report.added["outcomes"], len(report.errors)) == (100 - bad, bad)


def test_every_format_fits_nothing_of_the_others(tmp_path) -> None:
    names = [one.name for one in formats.FORMATS]
    assert names[-1] == "tidy"
    plain = written(tmp_path, "x.csv", "problem,correct\np,1\n")
    found = [one.name for one in formats.FORMATS if one.fits(Source(plain))]
    assert found == ["tidy"]
