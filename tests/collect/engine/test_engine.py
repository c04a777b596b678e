"""The engine equals a slow reference, token for token, for whatever can be asked of it."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from analysis.vocabulary import Effect, Operator
from collect.engine.engine import run
from collect.engine.interventions import Steering
from collect.engine.protocol import resolve_protocol
from tests.collect.engine import tiny
from tests.collect.engine.slow_reference import Reference
from tests.marks import slow_but

torch.set_num_threads(1)

OPERATORS, EFFECTS = get_args(Operator), get_args(Effect)
LATENT_SITES = (
    "latent",
    "latent_projected",
    "residual:0",
    "residual:2",
    "residual:0,latent",
    "residual:0,residual:1",
)
PLAIN_SITES = ("residual:0", "residual:2", "residual:0,residual:2")
SETUPS = [
    ("codi", "gpt2", "codi"),
    ("codi", "gpt2", "report"),
    ("codi", "llama", "codi"),
    ("coconut", "gpt2", "coconut"),
    ("coconut", "llama", "coconut"),
    ("plain", "gpt2", "plain"),
    ("plain", "llama", "plain"),
]
FLOATS: dict[str, Any] = {"rtol": 1e-3, "atol": 2e-3, "equal_nan": True}


def directions(sites, n_positions, width=tiny.WIDTH, seed=0):
    random = np.random.default_rng(seed)
    for site in sites:
        rows = len(site.split(",")) * n_positions
        yield site, random.standard_normal((rows, width)).astype(np.float32), random


def compare(model, protocol, steerings, *, n_questions=2, seeds=(0,), temperature=None, **options):
    """Run both, compare every unit and return all token lists."""
    decoding = {"mode": "greedy"}
    if temperature is not None:
        decoding = {"mode": "sample", "temperature": temperature}
    questions, gold = tiny.QUESTIONS[:n_questions], tiny.GOLD[:n_questions]
    answers = []
    for block in run(
        model, questions, gold, steerings, protocol=protocol, decoding=decoding, seeds=seeds,
        **options,
    ):  # fmt: skip
        for i, tokens in enumerate(block.tokens):
            problem, steering = int(block.problem[i]), steerings[block.steering[i]]
            slow = Reference(model, protocol, steering, problem)
            seed = int(block.seed[i])
            expected = slow.run(questions[problem], gold[problem], seed, temperature)
            assert tokens == expected["tokens"], steering.key
            assert block.truncated[i] == (tokens[-1] != model.eos_id)
            np.testing.assert_allclose(block.margin[i], expected["margin"], **FLOATS)
            np.testing.assert_allclose(block.gold_logprob[i], expected["gold_logprob"], **FLOATS)
            compare_norms(block, i, slow)
            answers.append(tuple(tokens))
    assert len(answers) == n_questions * len(steerings) * len(seeds)
    return answers


def compare_norms(block, i, slow):
    width = block.norm_before.shape[1]
    for t, expected in slow.norms.items():
        if t < width:
            got = (block.norm_before[i, t], block.norm_after[i, t], block.cosine[i, t])
            np.testing.assert_allclose(got, expected, **FLOATS)
    for t in range(width):
        expected = slow.fed.get(t, np.nan)
        np.testing.assert_allclose(block.norm_fed[i, t], expected, **FLOATS)


@pytest.mark.parametrize(("family", "architecture", "name"), slow_but(SETUPS, kept=(0, 3, 5)))
def test_every_site_operator_and_effect(family, architecture, name):
    model = tiny.build(family, architecture)
    protocol = resolve_protocol(name, model, max_new_tokens=5)
    plain = family == "plain"
    steerings = [Steering(None)]
    for site, vectors, random in directions(
        PLAIN_SITES if plain else LATENT_SITES, protocol.n_positions
    ):
        for operator, effect in itertools.product(OPERATORS, EFFECTS[:1] if plain else EFFECTS):
            alpha = float(random.choice([-2.0, 0.5, 1.5]))
            steerings.append(
                Steering(
                    vectors,
                    alpha,
                    site,
                    "uniform",
                    operator,
                    effect,
                    f"{site} {operator}",
                    everywhere=plain,
                )
            )
    answers = compare(model, protocol, steerings)
    assert len(set(answers)) > 5  # the steerings do something


@pytest.mark.parametrize(
    "schedule", ["uniform", "first", "last", "position:1", "magnitude", "[0.5, 0, -2]"]
)
@pytest.mark.parametrize("operator", ["add", "clamp"])
def test_schedules_weigh_positions(schedule, operator):
    model = tiny.build()
    protocol = resolve_protocol("codi", model, max_new_tokens=4)
    steerings = [
        Steering(vectors, 1.5, site, schedule, operator, key=f"{site} {schedule}")
        for site, vectors, _ in directions(("latent", "residual:1"), tiny.N_LATENT)
    ]
    compare(model, protocol, steerings)


@pytest.mark.parametrize("schedule", ["first", "position:2", "[1, 0, 3]"])
def test_schedules_of_a_plain_model_count_generated_tokens(schedule):
    model = tiny.build("plain")
    protocol = resolve_protocol("plain", model, max_new_tokens=5)
    vectors = np.random.default_rng(1).standard_normal((1, tiny.WIDTH)).astype(np.float32)
    steered = Steering(vectors, 3.0, "residual:1", schedule, everywhere=True)
    compare(
        model,
        protocol,
        [steered, dataclasses.replace(steered, vectors=vectors[0], everywhere=False)],
    )


@pytest.mark.parametrize(("family", "site"), [("codi", "latent"), ("plain", "residual:1")])
def test_one_vector_at_position_0_is_not_one_for_all_positions(family, site):
    model = tiny.build(family)
    protocol = resolve_protocol(family, model, max_new_tokens=5)
    vector = np.random.default_rng(1).standard_normal(tiny.WIDTH).astype(np.float32)
    at_0, first, everywhere = (
        compare(model, protocol, [Steering(vectors, 3.0, site, schedule)])
        for vectors, schedule in (
            (vector[None], "uniform"),
            (vector, "first"),
            (vector, "uniform"),
        )
    )
    assert at_0 == first != everywhere


def test_one_vector_serves_every_position():
    model = tiny.build()
    protocol = resolve_protocol("codi", model, max_new_tokens=4)
    vector = np.random.default_rng(2).standard_normal(tiny.WIDTH).astype(np.float32)
    each = np.stack([vector] * tiny.N_LATENT)
    first, second = compare(
        model, protocol, [Steering(vector, 2.0), Steering(each, 2.0)], n_questions=1
    )
    assert first == second


def test_alpha_may_depend_on_the_problem():
    model = tiny.build()
    protocol = resolve_protocol("codi", model, max_new_tokens=4)
    vectors = np.random.default_rng(3).standard_normal((tiny.N_LATENT, tiny.WIDTH))
    factors = (0.0, 3.0)
    steerings = [
        Steering(None),
        Steering(vectors.astype(np.float32), 1.0, alpha_factors=factors),
        Steering(vectors.astype(np.float32), 1.0, operator="clamp", alpha_factors=factors),
    ]
    compare(model, protocol, steerings)


@pytest.mark.parametrize(("family", "name"), [("codi", "codi"), ("plain", "plain")])
def test_sampling_depends_on_problem_and_seed_alone(family, name):
    model = tiny.build(family)
    protocol = resolve_protocol(name, model, max_new_tokens=5)
    site = "latent" if family == "codi" else "residual:1"
    vectors = np.random.default_rng(4).standard_normal(tiny.WIDTH).astype(np.float32)
    steerings = [Steering(None), Steering(vectors, 1.0, site)]
    options = {"seeds": (0, 1, 7), "temperature": 1.5}
    one = compare(model, protocol, steerings, **options)
    alone = compare(model, protocol, steerings, max_rows=1, **options)
    assert sorted(one) == sorted(alone)
    assert len(set(one)) > 3


@pytest.mark.parametrize(
    "changes", [{"end_of_text_around": True}, {"n_latent": 1}, {"n_latent": 5}]
)
def test_protocol_fields_change_what_is_fed(changes):
    model = tiny.build()
    protocol = resolve_protocol("codi", model, max_new_tokens=4, **changes)
    vectors = np.random.default_rng(5).standard_normal(tiny.WIDTH).astype(np.float32)
    steerings = [Steering(None), *(Steering(vectors, 1.0, s) for s in ("latent", "residual:0"))]
    compare(model, protocol, steerings)


def test_gold_answers_that_are_right_need_no_other_path():
    """The draft is accepted as far as it is what the model writes, and no further."""
    model = tiny.build()
    protocol = resolve_protocol("codi", model, max_new_tokens=4, answer_format="{answer}")
    plain = [Reference(model, protocol, Steering(None)).run(q)["tokens"] for q in tiny.QUESTIONS]
    words = [model.tokenizer.decode(tokens[:3]) for tokens in plain]
    for cut in (1, 2, 3):
        gold = [" ".join(word.split()[:cut]) for word in words]
        found: dict[int, Any] = {}
        for block in run(model, tiny.QUESTIONS, gold, [Steering(None)], protocol=protocol):
            found.update(zip(block.problem.tolist(), block.tokens, strict=True))
        assert [found[i] for i in range(len(plain))] == plain


def test_bfloat16_runs_and_keeps_its_dtype():
    model = tiny.build(dtype=torch.bfloat16)
    protocol = resolve_protocol("codi", model, max_new_tokens=4)
    vectors = np.random.default_rng(6).standard_normal(tiny.WIDTH).astype(np.float32)
    steerings = [Steering(vectors, 1.0, site) for site in ("latent", "residual:1")]
    blocks = list(run(model, tiny.QUESTIONS, tiny.GOLD, steerings, protocol=protocol))
    assert sum(map(len, blocks)) == 8
    assert all(np.isfinite(block.gold_logprob).all() for block in blocks)


def test_bundled_model_equals_the_reference():
    from collect.models.checkpoints import load_model

    folder = Path("collect/bundled/codi-arithmetic")
    if not (folder / "model.safetensors").exists():
        pytest.skip("the bundled weights are not here yet")
    model = load_model("bundled")
    vectors = np.random.default_rng(7).standard_normal((6, model.d_model)).astype(np.float32)
    steerings = [Steering(None)]
    for site in ("latent", "latent_projected", "residual:1"):
        for operator, effect in itertools.product(OPERATORS, EFFECTS):
            steerings.append(
                Steering((vectors / 4).astype(np.float32), 1.0, site, "uniform", operator, effect)
            )
    for name in ("codi", "report"):
        compare(model, resolve_protocol(name, model, max_new_tokens=6), steerings)


def test_a_steering_is_not_changed_by_running_it():
    vectors = np.ones((tiny.N_LATENT, tiny.WIDTH), dtype=np.float32)
    steering = Steering(vectors, 1.0)
    before = dataclasses.replace(steering, vectors=vectors.copy())
    list(run(tiny.build(), tiny.QUESTIONS[:1], None, [steering]))
    np.testing.assert_array_equal(steering.vectors, before.vectors)
