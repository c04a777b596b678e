"""Defects planted into the engine, each of which the gates must catch."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from collect.engine import decoding, interventions, reasoning
from collect.engine import engine as engine_module
from collect.engine.engine import Engine
from collect.engine.interventions import Steering
from collect.engine.networks import Gpt2Network
from collect.engine.protocol import resolve_protocol
from collect.engine.rows import Norms, SteeringTable
from collect.sweeps.gates import run_gates
from store.names import residual_layer
from tests.collect.engine import tiny
from tests.marks import slow_but

torch.set_num_threads(1)

THINGS = ("apples", "books", "coins", "pens")
LONG = " ".join(["Tom keeps apples in a box ."] * 9) + " How many apples are there now ?"
LONG_PLACE = 50  # beyond every prompt but the long one
QUESTIONS = [
    *(f"Tom keeps {thing} in a box . Tom finds {n} ." for n in (3, 14) for thing in THINGS),
    *(f"Tom keeps {thing} . How many {thing} are there now ?" for thing in THINGS),
    LONG,
]
GOLD = [str(3 + i) for i in range(len(QUESTIONS))]
SAMPLE = {"mode": "sample", "temperature": 0.8}


def directions(n_sites=1, n=tiny.N_LATENT, seed=0):
    random = np.random.default_rng(seed)
    size = np.linspace(1, 2, n_sites * n)[:, None]
    return (size * random.standard_normal((n_sites * n, tiny.WIDTH))).astype(np.float32)


def steered(site="latent", alphas=(1.0, -1.0), **fields):
    return [Steering(directions(len(site.split(","))), a, site, **fields) for a in alphas]


MANY = [Steering(directions(seed=seed), 1.0) for seed in range(10)]  # more than 64 rows
KINDS = [
    *steered(),
    *steered(schedule="first", alphas=(1.0,)),
    *steered("residual:1", alphas=(1.0,)),
]
FACTORS = np.linspace(0.2, 2.0, len(QUESTIONS)).tolist()


def gates(steerings, *, family="codi", dtype=torch.float32, questions=QUESTIONS, **options):
    model = tiny.build(family, dtype=dtype)
    protocol = resolve_protocol(None, model, max_new_tokens=5)
    return run_gates(
        model, questions, GOLD[: len(questions)], steerings, protocol=protocol, n_questions=6,
        strict=False, **options,
    )  # fmt: skip


def late(monkeypatch):
    whole = SteeringTable.apply

    def apply(self, site, t, x):
        return x if t == 0 else whole(self, site, t - 1, x)

    monkeypatch.setattr(SteeringTable, "apply", apply)


def moved(how: Callable[[torch.Tensor], torch.Tensor]):
    """Another push in place of the one that was asked for."""

    def plant(monkeypatch):
        whole = SteeringTable.apply
        monkeypatch.setattr(
            SteeringTable,
            "apply",
            lambda self, site, t, x: (x + how(whole(self, site, t, x) - x)).to(x.dtype),
        )

    return plant


def table_field(name: str, changed: Callable[[Any], Any]):
    """A table of steerings that gets a field wrong."""

    def plant(monkeypatch):
        whole = SteeringTable.__init__

        def init(self, *args, **kwargs):
            whole(self, *args, **kwargs)
            setattr(self, name, changed(getattr(self, name)))

        monkeypatch.setattr(SteeringTable, "__init__", init)

    return plant


def layer_late(monkeypatch):
    whole = residual_layer

    def later(site):
        layer = whole(site)
        return None if layer is None else layer + 1

    monkeypatch.setattr("collect.engine.rows.residual_layer", later)


def judged(change: Callable[[Any, Any, Any, Any], Any]):
    """`judge` with other results: change(chosen, margins, logprobs, targets)."""

    def plant(monkeypatch):
        whole = decoding.judge

        def judge(net, states, rule, targets=None, noise=None):
            return change(*whole(net, states, rule, targets, noise), targets)

        monkeypatch.setattr(decoding, "judge", judge)

    return plant


def logprob(change):
    return judged(lambda c, m, p, targets: (c, m, None if p is None else change(p, targets)))


def without_end(p, targets):
    eos = tiny.build().eos_id
    return torch.where(targets == eos, torch.zeros_like(p), p)


def swapped_norms(monkeypatch):
    whole = Norms.note
    monkeypatch.setattr(
        Norms,
        "note",
        lambda self, t, before, after, unit, *rows: whole(self, t, after, before, unit, *rows),
    )


def norms_field(name, change):
    def plant(monkeypatch):
        whole = Norms.note

        def note(self, t, before, after, unit, *rows):
            whole(self, t, before, after, unit, *rows)
            values = getattr(self, name)
            values[:, t] = change(values[:, t])

        monkeypatch.setattr(Norms, "note", note)

    return plant


def fed_state(monkeypatch):
    whole = Norms.note_fed
    monkeypatch.setattr(Norms, "note_fed", lambda self, t, x: whole(self, t, x + 0.01))


def outcomes(change: Callable[[Any], Any]):
    def plant(monkeypatch):
        whole = engine_module._block
        monkeypatch.setattr(engine_module, "_block", lambda *args: change(whole(*args)))

    return plant


def exchanged(block, order):
    """The outcomes of rows in another order, under the names of the old one."""
    moved = {
        f.name: getattr(block, f.name)[order]
        for f in dataclasses.fields(block)
        if f.name not in ("problem", "steering", "seed", "tokens", "error")
    }
    return dataclasses.replace(block, tokens=[block.tokens[i] for i in order], **moved)


def rolled(block):
    return exchanged(block, np.roll(np.arange(len(block)), 1)) if len(block) > 64 else block


def ends_exchanged(block):
    order = np.arange(len(block))
    if len(order) > 64:
        order[[0, -1]] = order[[-1, 0]]
    return exchanged(block, order)


def untruncated(block):
    return dataclasses.replace(block, truncated=np.zeros_like(block.truncated))


def rows_of_others(monkeypatch):
    """Steerings of a large batch go to the wrong rows."""
    table_field("row", lambda row: row.roll(1) if len(row) > 64 else row)(monkeypatch)


def misplaced(monkeypatch):
    """Positions of long prompts stop at some place."""
    whole = Gpt2Network.place
    monkeypatch.setattr(
        Gpt2Network, "place", lambda self, x, at: whole(self, x, at.clamp(max=LONG_PLACE))
    )


def long_unsteered(monkeypatch):
    """Steering is lost after long prompts alone."""
    whole = SteeringTable.apply
    lengths: list[torch.Tensor] = []
    made = engine_module.Engine.rows

    def make(self, prefixes, places, drop_last):
        found: Any = made(self, prefixes, places, drop_last)
        lengths[:] = [found.lengths]
        return found

    def apply(self, site, t, x):
        y = whole(self, site, t, x)
        return torch.where((lengths[0] > LONG_PLACE)[:, None], x, y) if len(y) else y

    monkeypatch.setattr(engine_module.Engine, "rows", make)
    monkeypatch.setattr(SteeringTable, "apply", apply)


def drawn(change):
    """Noise that is drawn otherwise: change(rows, steps) -> rows, steps."""

    def plant(monkeypatch):
        whole = decoding.Noise.at

        def at(self, r, s, device):
            r, s = change(list(r), list(s))
            return whole(self, r, s, device)

        monkeypatch.setattr(decoding.Noise, "at", at)

    return plant


def one_seed(monkeypatch):
    whole = decoding.Noise
    monkeypatch.setattr(
        engine_module, "Noise", lambda prompts, seeds, n: whole(prompts, [0] * len(seeds), n)
    )


def twice_the_noise(monkeypatch):
    whole = decoding.Noise.at
    monkeypatch.setattr(
        decoding.Noise, "at", lambda self, r, s, device: 2 * whole(self, r, s, device)
    )


def direct_as_total(monkeypatch):
    monkeypatch.setattr(
        engine_module,
        "think_direct",
        lambda rows, table, protocol, base, of_row: reasoning.think(rows, table, protocol),
    )


def all_weights_alike(monkeypatch):
    monkeypatch.setattr(
        interventions, "schedule_weights", lambda schedule, norms, **k: np.ones(len(norms), "f")
    )


def squared_magnitude(monkeypatch):
    whole = interventions.schedule_weights
    monkeypatch.setattr(
        interventions, "schedule_weights", lambda schedule, norms, **k: whole(schedule, norms**2)
    )


def one_factor(monkeypatch):
    monkeypatch.setattr(Engine, "_factor", lambda self, unit: 1.0)


def second_site_lost(monkeypatch):
    whole = SteeringTable.apply
    monkeypatch.setattr(
        SteeringTable,
        "apply",
        lambda self, site, t, x: x if site else whole(self, site, t, x),
    )


def positive(monkeypatch):
    table_field("dose", torch.abs)(monkeypatch)


def whole_vocabulary(monkeypatch):
    whole = decoding.parse_decoding
    monkeypatch.setattr(
        "collect.engine.engine.parse_decoding",
        lambda how, *, n_choices, **k: whole(how, n_choices=n_choices + 1, **k),
    )


def draft_unsteered(monkeypatch):
    monkeypatch.setattr(decoding._Decoder, "_draft_hook", lambda self, lead: None)


def answer_late(monkeypatch):
    whole = reasoning.residual_hook
    monkeypatch.setattr(
        "collect.engine.decoding.residual_hook", lambda table, t: whole(table, t - 1)
    )


class Defect(NamedTuple):
    plant: Callable[[pytest.MonkeyPatch], None]
    steerings: list[Steering] = KINDS
    gate: str = "reference"
    options: Mapping[str, Any] = MappingProxyType({})


SAMPLED = {"decoding": SAMPLE, "seeds": (0, 1)}
PLAIN = [Steering(directions(n=12), alpha, "residual:1") for alpha in (1.0, -1.0)]
TWO = steered("residual:0,latent")
DEFECTS = {
    "one position late": Defect(late),
    "sign flipped": Defect(moved(torch.neg)),
    "dose halved": Defect(moved(lambda push: push / 2)),
    "negative doses taken as positive": Defect(positive),
    "nothing steered": Defect(moved(torch.zeros_like)),
    "hook one layer late": Defect(layer_late),
    "second site lost": Defect(second_site_lost, TWO),
    "sites exchanged": Defect(table_field("dose", lambda dose: dose.flip(0)), TWO),
    "log-probability off": Defect(logprob(lambda p, _: p - 0.01)),
    "log-probability without end-of-text": Defect(logprob(without_end)),
    "margin doubled": Defect(judged(lambda c, m, p, _: (c, 2 * m, p))),
    "vocabulary whole": Defect(whole_vocabulary),
    "truncation unsaid": Defect(outcomes(untruncated)),
    "norms swapped": Defect(swapped_norms),
    "norms squared": Defect(norms_field("before", torch.square)),
    "cosine without sign": Defect(norms_field("cosine", torch.abs)),
    "cosine missing": Defect(norms_field("cosine", lambda c: c * float("nan"))),
    "norm of another thought": Defect(fed_state),
    "schedule ignored": Defect(all_weights_alike),
    "magnitude squared": Defect(squared_magnitude, steered(schedule="magnitude")),
    "norm not preserved": Defect(
        table_field("any_rescales", lambda _: False), steered(operator="norm_preserving_add")
    ),
    "component left": Defect(
        table_field("any_removes", lambda _: False), steered(operator="project_out")
    ),
    "clamp adds": Defect(table_field("any_removes", lambda _: False), steered(operator="clamp")),
    "direct taken for total": Defect(direct_as_total, steered(effect="direct")),
    "direct taken for total, in a block": Defect(
        direct_as_total, steered("residual:1", effect="direct")
    ),
    "factors ignored": Defect(one_factor, steered(alpha_factors=FACTORS)),
    "rows rolled in large batches": Defect(outcomes(rolled), MANY, "batch"),
    "two rows exchanged in large batches": Defect(outcomes(ends_exchanged), MANY, "batch"),
    "steerings of others in large batches": Defect(rows_of_others, MANY, "batch"),
    "long prompts misplaced": Defect(misplaced),
    "long prompts unsteered": Defect(long_unsteered, steered()),
    "noise doubled": Defect(twice_the_noise, options=SAMPLED),
    "noise of the first step": Defect(drawn(lambda r, s: (r, [0] * len(s))), options=SAMPLED),
    "noise of another row": Defect(drawn(lambda r, s: ([0] * len(r), s)), options=SAMPLED),
    "one seed for all": Defect(one_seed, options=SAMPLED),
    "greedy in place of samples": Defect(
        lambda patch: patch.setattr(decoding._Decoder, "_noise", lambda self, r, s: None),
        options=SAMPLED,
    ),
    "draft unsteered": Defect(draft_unsteered, PLAIN, options={"family": "plain"}),
    "answer steered late": Defect(answer_late, PLAIN, options={"family": "plain"}),
}
COARSE = (
    "one position late", "sign flipped", "dose halved", "nothing steered", "hook one layer late",
    "norms swapped", "cosine without sign", "schedule ignored", "rows rolled in large batches",
    "log-probability without end-of-text", "long prompts misplaced", "noise of another row",
)  # fmt: skip


# One of each part of the engine; all of them take minutes.
QUICK = (
    "one position late", "second site lost", "log-probability off", "truncation unsaid",
    "norms swapped", "schedule ignored", "clamp adds", "factors ignored",
    "rows rolled in large batches", "noise doubled", "draft unsteered",
)  # fmt: skip


@pytest.mark.parametrize("name", slow_but(DEFECTS, QUICK))
def test_planted_defects_are_caught(monkeypatch, name):
    defect = DEFECTS[name]
    defect.plant(monkeypatch)
    found = gates(defect.steerings, **defect.options)
    assert not found["passed"]
    assert not found[defect.gate]["passed"]


@pytest.mark.trial
@pytest.mark.parametrize("name", COARSE)
def test_planted_defects_are_caught_in_bfloat16(monkeypatch, name):
    defect = DEFECTS[name]
    defect.plant(monkeypatch)
    assert not gates(defect.steerings, dtype=torch.bfloat16, **defect.options)["passed"]


@pytest.mark.parametrize(
    "dtype",
    [
        torch.float32,
        pytest.param(torch.bfloat16, marks=pytest.mark.trial),
        pytest.param(torch.float16, marks=pytest.mark.trial),
    ],
)
@pytest.mark.parametrize(
    ("steerings", "options"),
    slow_but(
        [
            (KINDS, {}),
            (TWO, {}),
            (MANY, {}),
            (KINDS, SAMPLED),
            (PLAIN, {"family": "plain"}),
            (steered(alpha_factors=FACTORS), {}),
            (steered(operator="norm_preserving_add"), {}),
            (steered(operator="project_out"), {}),
            (steered(operator="clamp", schedule="magnitude"), {}),
            (steered("residual:1", effect="direct"), {}),
        ],
        kept=(0, 3, 4),
    ),
)
def test_the_engine_as_it_is_passes(steerings, options, dtype):
    found = gates(steerings, dtype=dtype, **options)
    assert found["passed"], found
    assert found["live"]["dead"] == []


def test_the_longest_and_the_shortest_question_are_asked():
    found = gates(KINDS)
    assert found["reference"]["longest_prompt"] > LONG_PLACE
    assert found["reference"]["n_kinds"] == 4


def test_a_batch_is_as_large_as_the_sweeps():
    assert gates(MANY)["batch"]["largest_batch"] == (1 + len(MANY)) * len(QUESTIONS)
