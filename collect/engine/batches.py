"""How units are cut into batches: by memory, by what shares a loop, by question."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from collect.engine.interventions import Steering
from collect.engine.networks import Network
from collect.models.model import Model

# On a CPU a batch is as large as its working tensors stay in the caches.
CPU_BATCH_BYTES = 3 * 2**20
MIN_ROWS = 64
PREFIX_SHARE = 0.5  # of the memory, for question caches


class Unit(NamedTuple):
    """What is computed once: indices of problem and steering, and a seed."""

    problem: int
    steering: int
    seed: int


@dataclass(frozen=True)
class Window:
    """Problems whose question caches fit into memory together, and their units."""

    problems: list[int]
    units: list[Unit]


def windows(
    units: Sequence[Unit],
    prompts: Sequence[Sequence[int]],
    net: Network,
    model: Model,
    memory: int,
) -> Iterator[Window]:
    """Problems in order of prompt length, in windows that the memory can hold."""
    of_problem: dict[int, list[Unit]] = defaultdict(list)
    for unit in units:
        of_problem[unit.problem].append(unit)
    per_token = net.cache_width * model.dtype.itemsize
    room = max(1, int(memory * PREFIX_SHARE) // per_token)
    problems: list[int] = []
    tokens = 0
    for problem in sorted(of_problem, key=lambda p: (len(prompts[p]), p)):
        if problems and tokens + len(prompts[problem]) > room:
            yield Window(problems, [u for p in problems for u in of_problem[p]])
            problems, tokens = [], 0
        problems.append(problem)
        tokens += len(prompts[problem])
    if problems:
        yield Window(problems, [u for p in problems for u in of_problem[p]])


def group_units(
    window: Window, steerings: Sequence[Steering], n_rows: int, workers: int = 1
) -> Iterator[list[Unit]]:
    """Batches of at most `rows` units that share their sites and their effect.

    Whole questions stay together where they fit, so that their cache is read once, and batches
    are of about equal size and as many as keep all workers busy to the end.
    """
    kinds: dict[tuple[str, str], list[Unit]] = defaultdict(list)
    for unit in window.units:
        steering = steerings[unit.steering]
        kind = ("latent", "total") if steering.is_baseline else (steering.site, steering.effect)
        kinds[kind].append(unit)
    for group in kinds.values():
        rounds = math.ceil(len(group) / (n_rows * workers))
        yield from _cut(group, math.ceil(len(group) / (rounds * workers)), n_rows)


def _cut(units: list[Unit], aim: int, n_rows: int) -> Iterator[list[Unit]]:
    """Batches of about `aim` units and at most `rows`; units of a question are consecutive."""
    batch: list[Unit] = []
    left = len(units)  # units that are in no finished batch
    for _, of_question in itertools.groupby(units, key=lambda unit: unit.problem):
        question = list(of_question)
        goal = left / max(1, round(left / aim))
        # A question belongs to the batch in which its middle falls.
        full = len(batch) + len(question) / 2 > goal
        if batch and (full or len(batch) + len(question) > n_rows):
            yield batch
            left -= len(batch)
            batch = []
        batch += question
        while len(batch) > n_rows:
            yield batch[:n_rows]
            left -= n_rows
            batch = batch[n_rows:]
    if batch:
        yield batch


def batch_rows(model: Model, net: Network, entries: int, memory: int) -> int:
    """How many units one batch may hold.

    Args:
        model: for its device and dtype.
        net: the network.
        entries: of a row's own cache.
        memory: bytes for everything.
    """
    size = model.dtype.itemsize
    cache = net.cache_width * (entries + 8) * size
    working = 8 * max(net.d_inner, 3 * net.d_model) * size * 2
    limit = int(memory * (1 - PREFIX_SHARE)) // (2 * cache + working)
    if model.device.type == "cpu":
        limit = min(limit, max(MIN_ROWS, CPU_BATCH_BYTES // (net.d_inner * size)))
    return max(1, limit)
