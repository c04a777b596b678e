"""Problems from every source, and the sets drawn from them."""

import json
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from collect.problems.expressions import expressions
from collect.problems.problem_sets import (
    add_set,
    baseline_labels,
    draw_balanced,
    draw_random,
    members,
    set_sizes,
)
from collect.problems.problems import (
    add_problems,
    generated,
    problem_row,
    read_file,
    read_gsm8k,
    read_pairs,
)
from collect.problems.report_split import add_report_split, read_published
from sql.errors import UserError
from store import identity, shards
from store.layout import create_store
from tests.paths import PUBLISHED


@pytest.fixture
def root(tmp_path):
    return create_store(tmp_path / "store")


@pytest.fixture
def origin():
    if not PUBLISHED.is_dir():
        pytest.skip(f"the report's data is not at {PUBLISHED}")
    return PUBLISHED


def test_gsm8k_lines(tmp_path):
    path = tmp_path / "gsm8k.jsonl"
    lines = [
        {"question": " How many? ", "answer": "2+3=<<2+3=5>>5\n5*2=<<5*2=10>>10\n#### 1,010"},
        {"question": "Nothing?", "answer": "#### none"},
        {"question": "", "answer": "#### 1"},
        {"q": "?"},
        {"question": "Plain?", "answer": 7, "topic": "sums", "n_steps": 3},
    ]
    text = "\n".join(map(json.dumps, lines)) + "\n\nno json\n"
    path.write_text(text)
    found = read_file(path)
    first, last = found.rows
    assert (first["question"], first["answer"], first["n_steps"]) == ("How many?", "1010", 2)
    assert first["problem_id"] == identity.problem_id("How many?", "1010")
    assert (last["answer"], last["n_steps"], last["source"]) == ("7", 3, "gsm8k.jsonl")
    assert json.loads(last["attributes"]) == {"topic": "sums"}
    assert found.errors == [
        "gsm8k.jsonl line 2: field answer: no number in the answer '#### none', by itself or after "
        "a mark such as ####",
        "gsm8k.jsonl line 3: field question: the question is empty or no text",
        "gsm8k.jsonl line 4: field question: the question is empty or no text",
        "gsm8k.jsonl line 7: no JSON: Expecting value: line 1 column 1 (char 0)",
    ]


def test_other_parsers(tmp_path):
    path = tmp_path / "choices.jsonl"
    path.write_text(json.dumps({"question": "Which?", "answer": "(b)"}))
    assert read_file(path, parser="choice").rows[0]["answer"] == "B"
    with pytest.raises(UserError, match="unknown parser"):
        problem_row("Q?", "1", parser="colour", source="here")


def test_the_hub_through_datasets(monkeypatch):
    entries = [{"question": "Q?", "answer": "<<1+1=2>>2 #### 2"}]
    asked = []

    def load_dataset(*args, **kwargs):
        asked.append((args, kwargs))
        return entries

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    (row,) = read_gsm8k("test").rows
    assert (row["answer"], row["n_steps"], row["source"]) == ("2", 1, "openai/gsm8k test")
    assert asked == [(("openai/gsm8k", "main"), {"split": "test"})]
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"steerstat\[hub\]"):
        read_gsm8k("test")


def test_generated_problems_are_held_out_and_mixed():
    from collect.problems.arithmetic import split_of

    rows = generated(31, mix=(1, 1, 2, 2), seed=4).rows
    assert [sum(row["n_steps"] == k for row in rows) for k in (1, 2, 3, 4)] == [5, 5, 11, 10]
    assert {split_of(row["question"]) for row in rows} == {"held_out"}
    assert len({row["problem_id"] for row in rows}) == 31
    assert rows == generated(31, mix=(1, 1, 2, 2), seed=4).rows
    plain = generated(4, mix=(0, 1), spaced=False).rows
    assert {row["n_steps"] for row in plain} == {2}
    assert not any(" ." in row["question"] or " ?" in row["question"] for row in plain)
    with pytest.raises(UserError, match="weights"):
        generated(4, mix=(0, 0))


def test_expressions_are_distinct_and_right():
    rows = expressions(60, mix=(1, 2), seed=3).rows
    assert [sum(row["n_steps"] == k for row in rows) for k in (1, 2)] == [20, 40]
    assert len({row["problem_id"] for row in rows}) == 60
    for row in rows:
        expression = json.loads(row["attributes"])["expression"]
        assert row["question"].startswith(f"What is {expression}? ")
        assert re.fullmatch(r"\d+( [+-] \d)+", expression)
        terms = re.findall(r"[+-]?\d+", expression.replace(" ", ""))
        assert row["answer"] == str(sum(map(int, terms)))
    assert rows == expressions(60, mix=(1, 2), seed=3).rows
    with pytest.raises(UserError, match="distinct 1-step"):
        expressions(1000, mix=(1,))
    with pytest.raises(UserError, match="weights"):
        expressions(5, mix=(1, 1, 1))


def test_adding_again_adds_nothing(root):
    rows = generated(6).rows
    assert add_problems(root, rows) == 6
    assert add_problems(root, rows) == 0
    twin = {**rows[0], "question": rows[0]["question"].replace(" ", "  ")}
    assert add_problems(root, [twin]) == 0
    assert shards.committed(root, "problems").num_rows == 6


def test_random_sets_are_drawn_by_the_seed_alone(root):
    add_problems(root, generated(40).rows)
    assert draw_random(root, "train", 10, split="train", seed=1) == 10
    assert draw_random(root, "test", 30, without=["train"], seed=1) == 30
    train, test = members(root, "train"), members(root, "test")
    assert not train.keys() & test.keys()
    assert {row["selection"] for row in test.values()} == {"random"}
    assert {row["label"] for row in test.values()} == {None}
    assert draw_random(root, "train", 10, split="train", seed=1) == 10  # the same: no change
    with pytest.raises(UserError, match="'train' is taken"):
        draw_random(root, "train", 10, seed=2)
    assert draw_random(root, "part", 3, source="train") == 3
    assert members(root, "part").keys() <= train.keys()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda root: draw_random(root, "a", 9), "asked for 9 of the 4"),
        (lambda root: draw_random(root, "a", 0), "asked for 0"),
        (lambda root: draw_random(root, "../a", 1), "no usable name"),
        (lambda root: draw_random(root, "a", 1, source="gone"), "no problem set 'gone'"),
        (lambda root: draw_balanced(root, "a", 1), "no baseline outcomes"),
        (lambda root: add_set(root, "a", [], split="test", selection="all"), "empty"),
    ],
)
def test_refusals(root, call, message):
    add_problems(root, generated(4).rows)
    with pytest.raises(UserError, match=message) as caught:
        call(root)
    assert "\n" not in str(caught.value)
    assert not shards.committed(root, "problem_sets").num_rows


def add_baseline(root, outcomes, *, protocol="codi", run_id="run"):
    """A baseline condition of one model with the given outcomes (problem: correct)."""
    model = {"model_id": "m", "name": "tiny", "family": "codi"}
    hashes = {"weights_sha256": "w", "tokenizer_sha256": "t"}
    if not shards.committed(root, "models").num_rows:
        shards.append(root, "models", [{**model, **hashes}])
    fields = {"model_id": "m", "direction_id": None, "alpha": 0.0, "protocol": protocol}
    condition = identity.condition_id(**fields, dtype="float32")
    row = {"condition_id": condition, **fields, "dtype": "float32"}
    shards.append(root, "conditions", [row])
    shards.append(
        root,
        "outcomes",
        [
            {
                "condition_id": condition,
                "problem_id": problem,
                "seed": 0,
                "run_id": run_id,
                "status": "ok" if correct is not None else "parse_fail",
                "correct": correct,
            }
            for problem, correct in outcomes.items()
        ],
    )


def test_balanced_sets_keep_labels_and_their_run(root):
    rows = generated(30).rows
    add_problems(root, rows)
    outcomes = {row["problem_id"]: [True, False, None][i % 3] for i, row in enumerate(rows)}
    add_baseline(root, outcomes)
    assert draw_balanced(root, "train", 8, seed=3) == 16
    found = members(root, "train").values()
    assert sum(row["label"] for row in found) == 8
    assert all(row["label"] is outcomes[row["problem_id"]] for row in found)
    assert {row["selection"] for row in found} == {"balanced_on_baseline"}
    assert {row["run_id"] for row in found} == {"run"}
    with pytest.raises(UserError, match="asked for 5 right problems, the baseline has 2"):
        draw_balanced(root, "more", 5, without=["train"])
    add_baseline(root, outcomes, protocol="report")
    told = (
        r"several baselines fit \((\w{8}): protocol (\w+); (\w{8}): protocol (\w+)\): .*--baseline"
    )
    with pytest.raises(UserError, match=told) as error:
        baseline_labels(root)
    assert baseline_labels(root, model="tiny", protocol="codi")[1] == "run"
    # What is listed settles it.
    match = re.search(told, str(error.value))
    assert match
    first, one, second, other = match.groups()
    assert {one, other} == {"codi", "report"}
    for key in (first, second):
        assert baseline_labels(root, baseline=key)[1] == "run"
    with pytest.raises(UserError, match="outcomes to choose by with --baseline abcdef12"):
        baseline_labels(root, baseline="abcdef12")


def test_baselines_are_told_apart_by_what_differs(root):
    rows = generated(6).rows
    add_problems(root, rows)
    outcomes = {row["problem_id"]: i < 3 for i, row in enumerate(rows)}
    keys = []
    for tokens in (6, 32):
        fields: dict[str, Any] = {"model_id": "m", "direction_id": None, "alpha": 0.0}
        fields["protocol"] = "codi"
        fields["protocol_fields"] = json.dumps({"max_new_tokens": tokens, "parser": "number"})
        keys.append(identity.condition_id(**fields, dtype="float32"))
        row = {"condition_id": keys[-1], **fields, "dtype": "float32"}
        shards.append(root, "conditions", [row])
        right = {problem: (tokens == 32) == said for problem, said in outcomes.items()}
        shards.append(
            root,
            "outcomes",
            [
                {"condition_id": keys[-1], "problem_id": p, "seed": 0, "status": "ok", "correct": r}
                for p, r in right.items()
            ],
        )
    with pytest.raises(UserError) as error:
        draw_balanced(root, "train", 3)
    listed = sorted(f"{k[:8]}: max_new_tokens {n}" for k, n in zip(keys, (6, 32), strict=True))
    assert f"({'; '.join(listed)})" in str(error.value)
    draw_balanced(root, "train", 3, baseline=keys[1][:8])
    assert {p: row["label"] for p, row in members(root, "train").items()} == outcomes


def test_a_balanced_set_is_drawn_by_its_seed(root):
    ids = sorted(row["problem_id"] for row in generated(40).rows)
    add_problems(root, generated(40).rows)
    labels = {problem: i % 4 != 0 for i, problem in enumerate(ids)}
    add_baseline(root, labels)
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        assert draw_balanced(root, name, 5, seed=seed) == 10
    one, same, other = (set(members(root, name)) for name in ("one", "same", "other"))
    first = {p for right in (True, False) for p in [i for i in ids if labels[i] is right][:5]}
    assert one == same
    assert len({frozenset(drawn) for drawn in (one, other, first)}) == 3


def test_unlabelled_problems_are_neither_right_nor_wrong(root):
    rows = generated(9).rows
    add_problems(root, rows)
    ids = [row["problem_id"] for row in rows]
    labels = dict(zip(ids, [True, True, False], strict=False))
    add_set(root, "part", ids[:8], split="train", selection="all", labels=labels)
    (size,) = set_sizes(root)
    assert (size["n"], size["n_right"], size["n_wrong"]) == (8, 2, 1)


def write_pairs(folder):
    pairs = [
        {
            "pair_id": i,
            "clean": {
                "question": f"What is {i} + 1?",
                "answer": i + 1,
                "full_answer": f"<<{i}+1={i + 1}>> #### {i + 1}",
            },
            "corrupted": {"question": f"What is {i} + 2?", "answer": i + 2},
        }
        for i in range(6)
    ]
    (folder / "pairs.json").write_text(json.dumps(pairs))
    split = {
        "train_correct": [{"pair_id": 0, "difficulty": "easy"}, {"pair_id": 0}],
        "train_wrong": [{"pair_id": 1}],
        "test_correct": [{"pair_id": 2}, {"pair_id": 0}],
        "test_wrong": [{"pair_id": 3, "difficulty": "hard"}],
    }
    (folder / "split.json").write_text(json.dumps(split))
    return folder / "pairs.json", folder / "split.json"


def test_pairs_and_split(root, tmp_path):
    pairs, split = write_pairs(tmp_path)
    both = read_pairs(pairs, sides=("clean", "corrupted")).rows
    assert [row["answer"] for row in both[:4]] == ["1", "2", "2", "3"]
    assert json.loads(both[1]["attributes"]) == {"pair_id": 0, "side": "corrupted"}
    assert both[0]["n_steps"] == 1
    report = add_report_split(root, read_published(pairs, split))
    assert (report.listed, report.repeated, report.in_both) == (6, 1, 1)
    train = members(root, report.train)
    assert {row["label"] for row in train.values()} == {True, False}
    assert {row["selection"] for row in train.values()} == {"balanced_on_baseline"}
    levels = shards.committed(root, "strata")["level"].to_pylist()
    assert sorted(levels) == ["easy", "hard", "unknown", "unknown"]
    assert add_report_split(root, read_published(pairs, split)) == report
    assert shards.committed(root, "problem_sets").num_rows == 5


def test_files_that_do_not_belong_together(root, tmp_path):
    pairs, split = write_pairs(tmp_path)
    told = json.loads(split.read_text())
    split.write_text(json.dumps({**told, "test_wrong": [{"pair_id": 99}]}))
    with pytest.raises(UserError, match="names pair 99"):
        add_report_split(root, read_published(pairs, split))
    split.write_text(json.dumps({"train_correct": [1]}))
    with pytest.raises(UserError, match="is no split file"):
        add_report_split(root, read_published(pairs, split))
    with pytest.raises(UserError, match="should hold a list"):
        read_pairs(split)
    with pytest.raises(UserError, match="cannot read"):
        read_pairs(tmp_path / "gone.json")


def test_the_published_files(root, origin):
    pairs = origin / "problem_pairs_gpt4_answers.json"
    report = add_report_split(root, read_published(pairs, origin / "steering_dataset_gpt2.json"))
    # 430 entries; 17 name a training problem again and 7 test problems are in training as well.
    assert (report.listed, report.repeated, report.in_both) == (430, 17, 7)
    train, test = members(root, report.train), members(root, report.test)
    assert (len(train), len(test)) == (327, 86)
    assert sum(row["label"] for row in test.values()) == 43
