"""Answers that are cut off are told of, before a sweep and after it."""

from dataclasses import replace

import pytest
import torch

from collect.engine.interventions import Steering
from collect.sweeps import cut_off
from collect.sweeps.sweep import condition, sweep
from store import create_store, ingest
from tests.collect.sweeps.test_sweep import PROBLEMS, block_of, setting

torch.set_num_threads(1)
__all__ = ["setting"]  # a fixture
TEXTS = [": 8", ": 9", ": 8", ": 8"]


def cut(setting, monkeypatch, truncated):
    block = block_of(setting, TEXTS, truncated, [1.0] * 4)
    monkeypatch.setattr(cut_off, "run", lambda *_, **__: iter([block]))
    monkeypatch.setattr("collect.sweeps.sweep.run", lambda *_, **__: iter([block]))


@pytest.mark.parametrize(("n_cut", "told"), [(0, False), (1, True), (4, True)])
def test_a_sample_is_told_of(setting, monkeypatch, n_cut, told):
    cut(setting, monkeypatch, [i < n_cut for i in range(4)])
    lines = list(cut_off.sampled(setting, PROBLEMS[:4], 0))
    assert bool(lines) is told
    if told:
        assert lines[0].startswith(f"WARNING: {n_cut} of 4 of a sample")
        assert "4 tokens" in lines[0]
        assert "--stop TEXT" in lines[0]


def test_one_in_five_is_not_loud_and_an_answer_that_a_stop_ended_is_none(setting, monkeypatch):
    cut(setting, monkeypatch, [True, False, False, False])
    monkeypatch.setattr(cut_off, "LOUD_SHARE", 0.25)
    assert not list(cut_off.sampled(setting, PROBLEMS[:4], 0))
    stopped = replace(setting, protocol=replace(setting.protocol, stop=(" ",)))
    cut(setting, monkeypatch, [True] * 4)
    assert not list(cut_off.sampled(stopped, PROBLEMS[:4], 0))


def test_what_is_stored_is_counted(setting, monkeypatch, tmp_path):
    cut(setting, monkeypatch, [True, True, False, False])
    root = create_store(tmp_path / "store")
    baseline = condition(setting, Steering(None), None)
    sweep(root, setting, PROBLEMS[:4], [baseline], run_id="r", fragile_below=0.1)
    ingest(root)
    (line,) = cut_off.counted(root, setting, [baseline])
    assert line.startswith("WARNING: 2 of 4 of the baseline's answers were cut off after 4 tokens:")
