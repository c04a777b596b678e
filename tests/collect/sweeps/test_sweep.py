"""From blocks of the engine to rows: statuses, NULLs, fragile marks, and one row per unit."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from collect.engine.engine import Block
from collect.engine.interventions import Steering
from collect.engine.protocol import resolve_protocol
from collect.sweeps import sweep as module
from collect.sweeps.sweep import GREEDY, Problem, Setting, condition, continued, sweep
from store import append, committed, create_store
from tests.collect.engine.tiny import GOLD, QUESTIONS, build

PROBLEMS = [
    Problem(f"{i:032d}", q, a) for i, (q, a) in enumerate(zip(QUESTIONS, GOLD, strict=True))
]
torch.set_num_threads(1)


@pytest.fixture
def setting():
    model = build()
    return Setting(model, resolve_protocol("codi", model, max_new_tokens=4), GREEDY)


def block_of(setting, answers, truncated, margin):
    """A block of baseline answers, one per problem."""
    ids = [setting.model.tokenizer.encode(text) for text in answers]
    n, t = len(ids), 3
    norms = np.ones((n, t), dtype=np.float32)
    cosine = np.full((n, t), np.nan, dtype=np.float32)
    return Block(
        problem=np.arange(n),
        steering=np.zeros(n, dtype=np.int64),
        seed=np.zeros(n, dtype=np.int64),
        tokens=[[*found, setting.model.eos_id] for found in ids],
        truncated=np.array(truncated),
        gold_logprob=np.array([-1.0, -2.0, np.nan, -1.0], dtype=np.float32),
        margin=np.array(margin, dtype=np.float32),
        norm_before=norms,
        norm_after=norms,
        norm_fed=norms,
        cosine=cosine,
    )


def test_statuses_and_their_nulls(setting, tmp_path, monkeypatch):
    block = block_of(
        setting, [": 8", ": 9", ": : :", ": 8"], [False, False, False, True], [1.0, 0.5, 0.01, 2.0]
    )
    monkeypatch.setattr(module, "run", lambda *_, **__: iter([block]))
    root = create_store(tmp_path / "store")
    baseline = condition(setting, Steering(None), None)
    sweep(root, setting, PROBLEMS, [baseline], run_id="r", fragile_below=0.1)
    rows = sorted(committed(root, "outcomes").to_pylist(), key=lambda row: row["problem_id"])
    assert [(row["status"], row["answer"], row["correct"]) for row in rows] == [
        ("ok", "8", True),
        ("ok", "9", False),
        ("parse_fail", None, None),
        ("truncated", "8", None),
    ]
    assert [row["fragile"] for row in rows] == [False, False, True, False]
    assert [row["gold_logprob"] for row in rows] == [-1.0, -2.0, None, -1.0]
    assert rows[0]["cosine"] == [None, None, None]


def test_a_condition_is_what_it_computes(setting):
    vectors = np.ones((3, 32), dtype=np.float32)
    steered = condition(setting, Steering(vectors, 2.0, key="a name"), "d" * 32)
    assert steered.condition_id == condition(setting, Steering(vectors, 2.0), "d" * 32).condition_id
    others = [
        condition(setting, Steering(vectors, alpha, **fields), "d" * 32).condition_id  # type: ignore[arg-type]
        for alpha, fields in (
            (1.0, {}),
            (2.0, {"site": "latent_projected"}),
            (2.0, {"schedule": "first"}),
            (2.0, {"operator": "clamp"}),
            (2.0, {"effect": "direct"}),
        )
    ]
    assert len({steered.condition_id, *others}) == 6
    warm = Setting(setting.model, setting.protocol, {"mode": "sample", "temperature": 1.0})
    assert condition(warm, Steering(None), None).row["decoding"] != steered.row["decoding"]


def test_an_interrupted_sweep_keeps_what_was_finished(setting, tmp_path, monkeypatch):
    root = create_store(tmp_path / "store")
    baseline = condition(setting, Steering(None), None)
    real = module.run  # type: ignore[attr-defined]

    def interrupted(*arguments, **options):
        yield next(iter(real(*arguments, **options)))
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(root, setting, PROBLEMS[:1], [baseline], run_id="r", fragile_below=0)
    assert committed(root, "outcomes").num_rows == 1
    monkeypatch.setattr(module, "run", real)
    assert sweep(root, setting, PROBLEMS, [baseline], run_id="s", fragile_below=0) == 3
    assert committed(root, "outcomes").num_rows == 4


def test_a_dose_is_steered_and_stored_as_it_counts(setting):
    vectors = np.ones((3, setting.model.d_model), dtype=np.float32)
    made = [condition(setting, Steering(vectors, dose), "d") for dose in (0.1 + 0.2, 0.3)]
    assert made[0].condition_id == made[1].condition_id
    assert made[0].steering.alpha == made[0].row["alpha"] == 0.3


def test_a_store_goes_on_with_the_parser_that_graded_it(setting, tmp_path):
    root = create_store(tmp_path / "store")
    assert continued(root, setting) == setting
    first = replace(setting, protocol=replace(setting.protocol, parser_version=1))
    row = condition(first, Steering(None), None).row
    assert "parser_version" not in row["protocol_fields"]
    append(root, "conditions", [{**row, "model_id": "another", "condition_id": "x"}])
    assert continued(root, setting) == setting
    append(root, "conditions", [row])
    assert continued(root, setting) == first
    longer = replace(setting, protocol=replace(setting.protocol, max_new_tokens=5))
    assert continued(root, longer) == longer
    append(root, "conditions", [condition(setting, Steering(None), None).row])
    assert continued(root, setting) == setting


def test_the_version_decides_what_is_right(setting, tmp_path, monkeypatch):
    block = block_of(setting, [": 8", ": 9", ": : :", ": 8"], [False] * 4, [1.0] * 4)
    monkeypatch.setattr(module, "run", lambda *_, **__: iter([block]))
    monkeypatch.setattr(module, "answer_text", lambda *_: "#### 8\nQ: 2 + 2?\n#### 4")
    for version, answer in ((1, "4"), (2, "8")):
        root = create_store(tmp_path / str(version))
        how = replace(setting, protocol=replace(setting.protocol, parser_version=version))
        baseline = condition(how, Steering(None), None)
        sweep(root, how, PROBLEMS, [baseline], run_id="r", fragile_below=0.1)
        assert set(committed(root, "outcomes")["answer"].to_pylist()) == {answer}
