"""Answers and activations for notebooks."""

from typing import Any

import numpy as np
import pytest
import torch

import collect
from collect import activations, answer
from collect.engine.interventions import Steering
from collect.engine.protocol import resolve_protocol
from sql.errors import UserError
from tests.collect.engine import tiny
from tests.collect.engine.slow_reference import Reference

torch.set_num_threads(1)


def test_public_names_are_there():
    assert set(dir(collect)) >= {"load_model", "answer", "activations", "run", "run_gates"}
    for name in dir(collect):
        assert getattr(collect, name) is not None
    with pytest.raises(AttributeError):
        collect.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_answers_come_in_order_with_their_norms():
    model = tiny.build()
    outcomes = answer(model, tiny.QUESTIONS, max_new_tokens=4)
    protocol = resolve_protocol("codi", model, max_new_tokens=4)
    for question, outcome in zip(tiny.QUESTIONS, outcomes, strict=True):
        slow = Reference(model, protocol, Steering(None))
        assert outcome.tokens == slow.run(question)["tokens"]
        norms = [slow.fed[t] for t in range(tiny.N_LATENT)]
        np.testing.assert_allclose(outcome.latent_norms, norms, rtol=1e-4)
        assert outcome.margin > 0


def test_a_direction_changes_answers_and_its_dose_is_signed():
    model = tiny.build()
    direction = np.random.default_rng(0).standard_normal((tiny.N_LATENT, tiny.WIDTH))
    by_alpha = [
        [o.tokens for o in answer(model, tiny.QUESTIONS, direction=direction, alpha=alpha)]
        for alpha in (0.0, 2.0, -2.0)
    ]
    assert by_alpha[0] == [o.tokens for o in answer(model, tiny.QUESTIONS)]
    assert by_alpha[0] != by_alpha[1] != by_alpha[2]


def test_plain_models_have_no_latent_norms():
    (outcome,) = answer(tiny.build("plain"), tiny.QUESTIONS[0], protocol="plain", max_new_tokens=3)
    assert outcome.latent_norms == []
    assert len(outcome.tokens) <= 3


def test_sampled_answers_repeat_with_their_seed():
    model = tiny.build()
    options: dict[str, Any] = {"temperature": 2.0, "max_new_tokens": 6}
    first = answer(model, tiny.QUESTIONS, seed=1, **options)
    again = answer(model, tiny.QUESTIONS[2:], seed=1, **options)
    other = answer(model, tiny.QUESTIONS, seed=2, **options)
    assert [o.tokens for o in first[2:]] == [o.tokens for o in again]
    assert [o.tokens for o in first] != [o.tokens for o in other]


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_activations_are_the_states_of_the_reference(architecture):
    model = tiny.build(architecture=architecture)
    protocol = resolve_protocol("codi", model)
    sites = ["latent", "latent_projected", "residual:0", "residual:2"]
    found = activations(model, tiny.QUESTIONS, sites=sites)
    assert {s: v.shape for s, v in found.items()} == dict.fromkeys(
        sites, (len(tiny.QUESTIONS), tiny.N_LATENT, tiny.WIDTH)
    )
    for i, question in enumerate(tiny.QUESTIONS):
        expected = reference_states(model, protocol, question, sites)
        for site in sites:
            np.testing.assert_allclose(found[site][i], expected[site], rtol=1e-3, atol=1e-4)


def reference_states(model, protocol, question, sites):
    """States read by a hook that records what the reference steers, with zero vectors."""
    zero = np.zeros((len(sites) * tiny.N_LATENT, tiny.WIDTH), dtype=np.float32)
    states: dict[str, list[Any]] = {site: [None] * tiny.N_LATENT for site in sites}

    class Recorder(Reference):
        def at(self, site, t, x):
            states[site][t] = x.detach().clone()
            return x

    Recorder(model, protocol, Steering(zero, site=",".join(sites))).run(question)
    return {site: torch.stack(values).numpy() for site, values in states.items()}


def test_activations_of_a_plain_model_are_at_the_last_prompt_token():
    model = tiny.build("plain")
    found = activations(model, tiny.QUESTIONS, sites=["residual:1"], protocol="plain")
    ids = model.tokenizer(tiny.QUESTIONS[0], return_tensors="pt")["input_ids"]
    with torch.no_grad():
        hidden = model.lm(ids, output_hidden_states=True).hidden_states[2][0, -1]
    np.testing.assert_allclose(found["residual:1"][0, 0], hidden, rtol=1e-3, atol=1e-4)


def test_activations_refuse_a_layer_that_is_not_there():
    with pytest.raises(UserError, match="0 to 2"):
        activations(tiny.build(), tiny.QUESTIONS, sites=["residual:3"])
