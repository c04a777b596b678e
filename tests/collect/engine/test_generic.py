"""The generic network equals the slow reference on every family, in every kind of protocol."""

import dataclasses

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from collect.engine import paths
from collect.engine.interventions import Steering
from collect.engine.networks import Gpt2Network, LlamaNetwork
from collect.engine.paths import network_of, path_of
from collect.engine.protocol import resolve_protocol
from collect.engine.reading import activations
from sql.errors import UserError
from tests.collect.engine import tiny
from tests.collect.engine.test_engine import compare, directions
from tests.marks import slow_but

torch.set_num_threads(1)

FUSED = ("mistral", "qwen2", "qwen3")
GENERIC = sorted(set(tiny.FAMILIES) - set(FUSED))


@pytest.fixture
def generic(monkeypatch):
    """Every model takes the generic path."""
    monkeypatch.setattr(paths, "why_not_fused", lambda lm: "asked")


def some_steerings(protocol, plain):
    """Baseline, both kinds of sites, operators and effects; a dose on one site, one on another."""
    sites = ("residual:0", "residual:1,residual:2") if plain else ("latent", "residual:0,latent")
    steerings = [Steering(None)]
    for site, vectors, _ in directions(sites, protocol.n_positions):
        steerings += [
            Steering(vectors, 1.5, site, everywhere=plain),
            Steering(
                vectors, -2.0, site, operator="clamp", effect="total" if plain else "direct",
                everywhere=plain,
            ),
        ]  # fmt: skip
    return steerings


def check(family, architecture, *, n_questions=3):
    model = tiny.build(family, architecture)
    protocol = resolve_protocol(family, model, max_new_tokens=4)
    steerings = some_steerings(protocol, family == "plain")
    compare(model, protocol, steerings, n_questions=n_questions)
    return model


@pytest.mark.parametrize(
    "architecture", slow_but(sorted(set(tiny.FAMILIES) - set(FUSED)), kept=range(0, 40, 4))
)
def test_a_family_equals_the_reference_with_thoughts(architecture):
    model = check("codi", architecture)
    assert path_of(model).startswith("generic (")


@pytest.mark.parametrize(
    "architecture",
    slow_but(["falcon", "gemma2", "mixtral", "opt", "qwen2-window"], kept=(1, 3)),
)
@pytest.mark.parametrize("family", ["coconut", "plain"])
def test_other_protocols(family, architecture):
    check(family, architecture)


@pytest.mark.parametrize("architecture", FUSED)
@pytest.mark.parametrize("family", ["codi", "plain"])
def test_families_of_the_fast_path(family, architecture):
    model = check(family, architecture)
    assert path_of(model) == "fused"
    assert isinstance(network_of(model), LlamaNetwork)


@pytest.mark.parametrize("architecture", slow_but(["gpt2", "llama", *FUSED], kept=(0, 1)))
@pytest.mark.parametrize("family", ["codi", "coconut", "plain"])
def test_families_of_the_fast_path_on_the_other_one(generic, family, architecture):
    check(family, architecture, n_questions=2)


@pytest.mark.parametrize(("max_rows", "temperature"), [(3, None), (1000, 1.5)])
def test_batches_and_sampling(max_rows, temperature):
    """Rows of one batch have several prompt lengths, and leave it at different times."""
    model = tiny.build("codi", "olmo")
    protocol = resolve_protocol("codi", model, max_new_tokens=6)
    seeds = (0,) if temperature is None else (0, 2**40)
    options = {"temperature": temperature, "seeds": seeds, "max_rows": max_rows}
    steerings = some_steerings(protocol, False)
    assert len({len(q.split()) for q in tiny.QUESTIONS}) > 1
    answers = compare(model, protocol, steerings, n_questions=4, **options)
    assert len(set(answers)) > 5  # the steerings do something


def test_activations_are_those_of_the_fast_path(generic, monkeypatch):
    model = tiny.build("codi", "qwen2")
    sites = ["latent", "latent_projected", "residual:0", "residual:2"]
    slow = activations(model, tiny.QUESTIONS, sites=sites)
    monkeypatch.undo()
    fast = activations(model, tiny.QUESTIONS, sites=sites)
    for site in sites:
        np.testing.assert_allclose(slow[site], fast[site], rtol=1e-4, atol=1e-4)


def test_windows_are_right_or_refused():
    """A wide window is fused, and reads no more than it sees; a narrow one is not."""
    model = tiny.build("codi", "mistral")
    model.lm.config.sliding_window = 1024
    model.lm.config.max_position_embeddings = 4096
    assert path_of(model) == "fused"
    assert network_of(model).max_positions == 1024
    model.lm.config.sliding_window = 1023
    assert path_of(model) == "generic (windows of 1023 tokens)"


@pytest.mark.parametrize("architecture", ["mamba", "rwkv"])
def test_a_model_without_keys_and_values_is_refused(architecture):
    shape = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "state_size": 4}
    if architecture == "rwkv":
        shape = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "context_length": 64}
    lm = AutoModelForCausalLM.from_config(AutoConfig.for_model(architecture, **shape))
    model = dataclasses.replace(tiny.build("plain"), lm=lm.eval(), n_layer=2, d_model=16)
    with pytest.raises(UserError, match="cannot be run"):
        network_of(model)


def test_a_model_that_its_parts_do_not_give_is_refused():
    model = tiny.build("plain", "gpt_neox")
    whole = model.lm.forward

    def louder(*args, **kwargs):
        out = whole(*args, **kwargs)
        if kwargs.get("input_ids") is not None:
            out.logits = 2 * out.logits
        return out

    model.lm.forward = louder
    with pytest.raises(UserError, match="does not give the logits"):
        network_of(model)


def test_gpt2_stays_on_the_fast_path():
    assert isinstance(network_of(tiny.build()), Gpt2Network)
