"""Questions, weights and numbers that cannot be used: named, and never taken for outcomes."""

import numpy as np
import pytest
import torch

import steerstat
from collect.engine.engine import run
from collect.engine.interventions import Steering, site_vectors
from collect.engine.networks import Gpt2Network
from collect.engine.paths import network_of, path_of
from collect.engine.protocol import resolve_protocol
from collect.models.checkpoints import load_model
from collect.sweeps.gates import GateFailure, run_gates
from collect.sweeps.sweep import GREEDY, Problem, Setting, condition, sweep
from sql.errors import UserError
from store.layout import create_store
from store.shards import committed
from tests.collect.engine import tiny
from tests.collect.models.checkpoint_files import write_plain

torch.set_num_threads(1)
PROBLEMS = [
    Problem("fine", tiny.QUESTIONS[0], "8"),
    Problem("empty", "  ", "8"),
    Problem("long", "Tom keeps apples in a box . " * 40, "8"),
]


def swept(model, root):
    setting = Setting(model, resolve_protocol(None, model, max_new_tokens=4), GREEDY)
    baseline = condition(setting, Steering(None), None)
    assert sweep(root, setting, PROBLEMS, [baseline], run_id="r", fragile_below=0.0) == 3
    return {row["problem_id"]: row for row in committed(root, "outcomes").to_pylist()}


def test_questions_that_cannot_be_asked_are_rows_of_error(tmp_path):
    rows = swept(tiny.build(), create_store(tmp_path / "store"))
    assert rows["fine"]["status"] != "error"
    for name, why in (("empty", "is empty"), ("long", "reads 128")):
        assert rows[name]["status"] == "error"
        assert why in rows[name]["text"]
        assert rows[name]["correct"] is None
        assert rows[name]["tokens"] == []


def test_they_are_refused_where_nobody_keeps_rows():
    with pytest.raises(UserError, match="empty"):
        list(run(tiny.build(), ["", tiny.QUESTIONS[0]], None, [Steering(None)]))


def test_the_gates_leave_them_out():
    questions = [problem.question for problem in PROBLEMS]
    assert run_gates(tiny.build(), questions, None, [Steering(None)])["n_questions"] == 1
    with pytest.raises(UserError, match="no question can be asked"):
        run_gates(tiny.build(), ["", " "], None, [Steering(None)])


def test_numbers_that_are_none_are_an_error(tmp_path, monkeypatch):
    whole = Gpt2Network.logits
    monkeypatch.setattr(Gpt2Network, "logits", lambda self, x: whole(self, x) * float("nan"))
    row = swept(tiny.build(), create_store(tmp_path / "store"))["fine"]
    assert (row["status"], row["answer"], row["correct"]) == ("error", None, None)
    assert "not finite" in row["text"]
    assert row["margin"] is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    folder = tmp_path / "plain"
    write_plain(folder, "gpt2")
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    tensors = load_file(path)
    name = sorted(tensors)[0]
    tensors[name].view(-1)[3] = value
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(UserError, match="not finite"):
        load_model(folder)


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_positions_that_depend_on_the_length_are_refused(kind):
    model = tiny.build("plain", "llama")
    model.lm.config.rope_parameters = {"rope_type": kind, "factor": 2.0, "rope_theta": 1e4}
    with pytest.raises(UserError, match=kind):
        network_of(model)
    with pytest.raises(UserError, match=kind):  # what `model info` asks
        path_of(model)


def test_magnitude_does_not_depend_on_the_token_limit():
    vectors = np.array([[1.0, 0], [3.0, 0]], dtype=np.float32)
    steering = Steering(vectors, 1.0, "residual:0", "magnitude")
    for limit in (2, 9, 33):
        (part,) = site_vectors(steering, limit, 2, open_ended=True)
        np.testing.assert_allclose(part.weight[:2], [0.5, 1.5])
        assert not part.weight[2:].any()


@pytest.mark.parametrize(
    ("error", "code"),
    [(GateFailure("no"), 1), (UserError("no"), 2), (RuntimeError("a fault"), 70)],
)
def test_exit_codes_tell_a_gate_from_a_fault(monkeypatch, capsys, error, code):
    def fail(**_):
        raise error

    monkeypatch.setattr(steerstat, "app", fail)
    with pytest.raises(SystemExit) as ended:
        steerstat.main()
    assert ended.value.code == code
    shown = capsys.readouterr().err
    assert ("Traceback" in shown) == (code == 70)


def test_blocks_say_which_question_could_not_be_asked():
    questions = [problem.question for problem in PROBLEMS]
    model = tiny.build()
    blocks = list(run(model, questions, None, [Steering(None)], lenient=True))
    errors = {p: e for b in blocks for p, e in zip(b.problem.tolist(), b.error, strict=True)}
    assert [errors[i] is None for i in range(3)] == [True, False, False]
