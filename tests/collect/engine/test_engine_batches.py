"""What is computed does not depend on how it is cut, skipped, threaded or squeezed into memory."""

from collections.abc import Generator

import numpy as np
import pytest
import torch

from collect.engine import engine as engine_module
from collect.engine.batches import Unit, Window, batch_rows, group_units, windows
from collect.engine.engine import Engine, run
from collect.engine.interventions import Steering
from collect.engine.paths import network_of
from collect.engine.protocol import resolve_protocol
from sql.errors import UserError
from tests.collect.engine import tiny

torch.set_num_threads(1)


def ones(positions: int, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.ones((positions, width), dtype=np.float32)


@pytest.fixture(scope="module")
def model():
    return tiny.build()


@pytest.fixture(scope="module")
def steerings():
    random = np.random.default_rng(0)
    made = [Steering(None)]
    for site in ("latent", "residual:1"):
        for alpha in (-1.0, 0.5, 2.0):
            vectors = random.standard_normal((tiny.N_LATENT, tiny.WIDTH)).astype(np.float32)
            made.append(Steering(vectors, alpha, site))
    return made


def tokens_by_unit(model, steerings, **options):
    protocol = resolve_protocol("codi", model, max_new_tokens=5)
    found = {}
    for block in run(model, tiny.QUESTIONS, tiny.GOLD, steerings, protocol=protocol, **options):
        units = zip(
            block.problem.tolist(), block.steering.tolist(), block.seed.tolist(), strict=True
        )
        for unit, tokens in zip(units, block.tokens, strict=True):
            assert unit not in found
            found[unit] = tokens
    return found


@pytest.fixture(scope="module")
def everything(model, steerings):
    return tokens_by_unit(model, steerings)


@pytest.mark.parametrize("max_rows", [1, 3, 5, 1000])
def test_batch_size_does_not_matter(model, steerings, everything, max_rows):
    assert tokens_by_unit(model, steerings, max_rows=max_rows) == everything


def test_memory_only_sets_the_batch(model, steerings, everything):
    assert tokens_by_unit(model, steerings, memory=1) == everything


def test_skipped_units_leave_the_others_as_they_were(model, steerings, everything):
    """Also uneven numbers of steerings per question, whose shared products need a grid."""
    found = tokens_by_unit(model, steerings, skip=lambda p, s, seed: (p * 7 + s) % 3 == 0)
    assert found == {u: t for u, t in everything.items() if (u[0] * 7 + u[1]) % 3}
    assert len(found) < len(everything)


def test_nothing_to_do_yields_nothing(model, steerings):
    assert tokens_by_unit(model, steerings, skip=lambda *unit: True) == {}


def test_workers_return_blocks_in_order(model, steerings, everything):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        orders = []
        for _ in range(2):
            blocks = list(run(model, tiny.QUESTIONS, tiny.GOLD, steerings, max_rows=4))
            orders.append([(b.problem.tolist(), b.steering.tolist()) for b in blocks])
        assert orders[0] == orders[1]
        assert tokens_by_unit(model, steerings, max_rows=4) == everything
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_a_caller_that_stops_early_leaves_no_worker_behind(model, steerings):
    torch.set_num_threads(2)
    try:
        blocks = run(model, tiny.QUESTIONS, tiny.GOLD, steerings, max_rows=2)
        next(blocks)
        assert isinstance(blocks, Generator)
        blocks.close()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_progress_counts_units(model, steerings):
    counted: list[int] = []
    tokens_by_unit(model, steerings, progress=counted.append)
    assert sum(counted) == len(tiny.QUESTIONS) * len(steerings)


def test_out_of_memory_halves_the_batch(model, steerings, everything, monkeypatch):
    sizes = []
    whole = Engine._batch

    def small_device(self, prefixes, units):
        sizes.append(len(units))
        if len(units) > 3:
            raise torch.OutOfMemoryError("no memory")
        return whole(self, prefixes, units)

    monkeypatch.setattr(Engine, "_batch", small_device)
    assert tokens_by_unit(model, steerings) == everything
    assert max(sizes) > 3


def test_out_of_memory_for_one_unit_is_said(model, steerings, monkeypatch):
    def no_device(self, prefixes, units):
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(Engine, "_batch", no_device)
    with pytest.raises(UserError, match="single unit"):
        tokens_by_unit(model, steerings)


def test_windows_hold_as_many_questions_as_memory_allows(model):
    net = network_of(model)
    prompts = [[1] * n for n in (5, 3, 4, 3)]
    units = [Unit(p, s, 0) for p in range(4) for s in range(2)]
    per_token = 2 * tiny.LAYERS * tiny.WIDTH * 4
    found = list(windows(units, prompts, net, model, 2 * 7 * per_token))
    assert [window.problems for window in found] == [[1, 3], [2], [0]]
    assert [len(window.units) for window in found] == [4, 2, 2]


def test_batches_are_even_and_whole_questions_stay_together():
    units = [Unit(p, s, 0) for p in range(16) for s in range(39)]
    steerings = [Steering(np.ones(tiny.WIDTH, dtype=np.float32), 1.0)] * 39
    window = Window(list(range(16)), units)
    for rows, workers in ((256, 1), (256, 2), (512, 2), (10_000, 2), (20, 2), (624, 1)):
        batches = list(group_units(window, steerings, rows, workers))
        assert [unit for batch in batches for unit in batch] == units
        assert max(map(len, batches)) <= rows
        if rows >= 39:
            assert all(len(batch) % 39 == 0 for batch in batches)
            assert max(map(len, batches)) - min(map(len, batches)) <= 39
    assert [len(b) for b in group_units(window, steerings, 512, 2)] == [312, 312]


def test_more_memory_never_makes_smaller_batches(model):
    net = network_of(model)
    rows = [batch_rows(model, net, 8, memory) for memory in (10**5, 10**6, 10**8, 10**10)]
    assert rows == sorted(rows)
    assert rows[0] >= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steerings": [Steering(ones(2, tiny.WIDTH))]}, "has shape"),
        ({"steerings": [Steering(ones(1, 7))]}, "has shape"),
        ({"steerings": [Steering(np.full((1, tiny.WIDTH), np.nan))]}, "not finite"),
        ({"steerings": [Steering(ones(1, tiny.WIDTH), site="residual:9")]}, "0 to 2"),
        ({"steerings": [Steering(ones(1, tiny.WIDTH), site="attention")]}, "unknown site"),
        ({"steerings": [Steering(ones(1, tiny.WIDTH), operator="mul")]}, "unknown operator"),  # type: ignore[arg-type]
        ({"steerings": [Steering(ones(1, tiny.WIDTH), effect="half")]}, "unknown effect"),  # type: ignore[arg-type]
        ({"steerings": [Steering(ones(1, tiny.WIDTH), alpha_factors=[1.0])]}, "alpha factors"),
        ({"protocol": "cody"}, "unknown protocol"),
        ({"decoding": {"mode": "beam"}}, "decoding"),
        ({"decoding": {"mode": "sample", "temperature": 0}}, "decoding"),
        ({"questions": ["", "two"]}, "empty"),
        ({"questions": ["apples " * 200, "two"]}, "shorten"),
        ({"gold": ["8"]}, "gold answers"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_one_line(model, options, message):
    given = {
        "questions": tiny.QUESTIONS[:2],
        "gold": None,
        "steerings": [Steering(None)],
        **options,
    }
    questions, gold, steerings = (given.pop(k) for k in ("questions", "gold", "steerings"))
    with pytest.raises(UserError, match=message) as error:
        list(engine_module.run(model, questions, gold, steerings, **given))
    assert "\n" not in str(error.value)


def test_a_plain_model_has_no_thoughts_to_steer():
    plain = tiny.build("plain")
    with pytest.raises(UserError, match="plain"):
        list(run(plain, tiny.QUESTIONS, None, [Steering(None)], protocol="codi"))
    for steering in (
        Steering(ones(1, tiny.WIDTH)),
        Steering(ones(1, tiny.WIDTH), site="residual:0", effect="direct"),
        Steering(ones(1, tiny.WIDTH), site="residual:0", schedule="last"),
    ):
        with pytest.raises(UserError, match="thoughts"):
            list(run(plain, tiny.QUESTIONS, None, [steering], protocol="plain"))
