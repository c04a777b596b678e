"""The gates pass what is right, name what is dead and stop what is wrong."""

import json

import numpy as np
import pytest
import torch

from collect.engine.interventions import Steering
from collect.engine.networks import Gpt2Network
from collect.sweeps.gates import GateFailure, run_gates, summary
from tests.collect.engine import tiny

torch.set_num_threads(1)


def steered(site="latent", n=tiny.N_LATENT):
    vectors = np.random.default_rng(0).standard_normal((n, tiny.WIDTH)).astype(np.float32)
    return [Steering(None), Steering(vectors, 1.0, site)]


@pytest.mark.parametrize(
    ("family", "architecture", "name", "site"),
    [
        ("codi", "gpt2", "codi", "latent"),
        ("codi", "llama", "codi", "residual:1"),
        ("coconut", "gpt2", "coconut", "latent_projected"),
        ("plain", "llama", "plain", "residual:1"),
    ],
)
def test_sound_models_pass(family, architecture, name, site):
    model = tiny.build(family, architecture)
    n = 1 if family == "plain" else tiny.N_LATENT
    gates = run_gates(model, tiny.QUESTIONS, tiny.GOLD, steered(site, n), protocol=name)
    assert gates["passed"]
    assert gates["live"]["dead"] == []
    batch = gates["batch"]
    assert gates["fragile_below"] == max(
        10 * batch["largest_logit_difference"], batch["rounding_unit"]
    )
    assert 0 < gates["fragile_below"] < 0.1
    assert json.loads(json.dumps(gates)) == gates
    assert len(summary(gates)) == 3


def test_last_position_of_the_report_is_dead():
    gates = run_gates(tiny.build(), tiny.QUESTIONS, tiny.GOLD, steered(), protocol="report")
    assert gates["live"]["dead"] == [f"latent[{tiny.N_LATENT - 1}]"]
    assert gates["live"]["steered_and_dead"] == gates["live"]["dead"]
    assert gates["live"]["largest_logit_change"][f"latent[{tiny.N_LATENT - 1}]"] == 0


def test_last_residual_layer_is_dead_at_the_reports_last_position():
    """Its steering changes nothing but the thought that is never fed."""
    last = f"residual:{tiny.LAYERS - 1}"
    gates = run_gates(tiny.build(), tiny.QUESTIONS, tiny.GOLD, steered(last), protocol="report")
    assert gates["live"]["dead"] == [f"{last}[{tiny.N_LATENT - 1}]"]


def test_a_wrong_forward_pass_fails_the_first_gate(monkeypatch):
    whole = Gpt2Network.final
    monkeypatch.setattr(Gpt2Network, "final", lambda self, x: whole(self, x).flip(-1))
    with pytest.raises(GateFailure, match="reference"):
        run_gates(tiny.build(), tiny.QUESTIONS, tiny.GOLD, steered())
    gates = run_gates(tiny.build(), tiny.QUESTIONS, tiny.GOLD, steered(), strict=False)
    assert not gates["passed"]


def test_rows_that_see_each_other_fail_the_second_gate(monkeypatch):
    whole = Gpt2Network.final

    def mixed(self, x):
        return whole(self, x + x.roll(1, 0) if len(x) > 5 else x)

    monkeypatch.setattr(Gpt2Network, "final", mixed)
    gates = run_gates(tiny.build(), tiny.QUESTIONS, tiny.GOLD, steered(), strict=False)
    assert gates["batch"]["largest_logit_difference"] > 0.1
    assert not gates["batch"]["passed"]
