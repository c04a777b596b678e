"""Run many steerings over many questions, fast and with the same result whatever the batch.

Each question is prefilled once; all its steerings branch off that cache. Rows of different
questions share every matrix product, rows of one question share its cache, and finished rows
leave the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from collect.engine.batches import Unit, batch_rows, group_units, windows
from collect.engine.caches import Prompts
from collect.engine.decoding import Answers, Decoding, Noise, decode, parse_decoding
from collect.engine.interventions import Steering, site_vectors
from collect.engine.networks import Network
from collect.engine.paths import network_of, new_rows
from collect.engine.prefix import prefill, tokenize
from collect.engine.protocol import Protocol, answer_start_tokens, gold_tokens, resolve_protocol
from collect.engine.reasoning import Thoughts, think, think_direct, think_unsteered
from collect.engine.rows import Norms, Rows, SteeringTable
from collect.engine.workers import ordered, worker_count
from collect.models.model import Model
from sql.errors import UserError
from store.names import residual_layer

NOT_FINITE = "the model's logits are not finite"
DEFAULT_MEMORY = 4 * 2**30
Array = npt.NDArray[np.float32]
Skip = Callable[[int, int, int], bool]


@dataclass(frozen=True)
class Block:
    """Outcomes of some units, as parallel columns.

    Attributes:
        problem, steering: indices into the lists that `run` was given, [n].
        seed: [n].
        tokens: answer ids, end-of-text included where it was reached.
        truncated: no end-of-text within the protocol's limit, [n].
        gold_logprob: log-probability of the gold answer with its end-of-text; NaN without gold.
        margin: smallest difference between the best two logits over the answer, [n].
        norm_before, norm_after: norm at the steering's first site before and after it, [n, T];
            a baseline's are equal and taken at `latent`.
        norm_fed: norm of the thought fed back; NaN where none is.
        cosine: between the state before steering and the direction; NaN without direction.
        error: why there is no outcome: its numbers are not finite, or the question cannot be
            asked (then everything else is empty or NaN); None where there is one.
    """

    problem: npt.NDArray[np.int64]
    steering: npt.NDArray[np.int64]
    seed: npt.NDArray[np.int64]
    tokens: list[list[int]]
    truncated: npt.NDArray[np.bool_]
    gold_logprob: npt.NDArray[np.float32]
    margin: npt.NDArray[np.float32]
    norm_before: npt.NDArray[np.float32]
    norm_after: npt.NDArray[np.float32]
    norm_fed: npt.NDArray[np.float32]
    cosine: npt.NDArray[np.float32]
    error: list[str | None]

    def __len__(self) -> int:
        return len(self.tokens)


def run(
    model: Model,
    questions: Sequence[str],
    gold: Sequence[str] | None,
    steerings: Sequence[Steering],
    *,
    protocol: str | Protocol | None = None,
    decoding: Mapping[str, str | float] | None = None,
    seeds: Sequence[int] = (0,),
    memory: int = DEFAULT_MEMORY,
    progress: Callable[[int], None] | None = None,
    skip: Skip | None = None,
    max_rows: int | None = None,
    lenient: bool = False,
) -> Iterator[Block]:
    """Every (question, steering, seed), in blocks.

    Args:
        model: a loaded model.
        questions: their texts.
        gold: their canonical answers, for the gold log-probability; None leaves it out.
        steerings: conditions; one without vectors is the baseline.
        protocol: a protocol or its name; None is the model's own.
        decoding: `{"mode": "greedy"}` (default) or `{"mode": "sample", "temperature": 0.7}`.
        seeds: of sampling; greedy answers are the same for every seed.
        memory: bytes that caches and working tensors may take.
        progress: called with the number of units of each finished block.
        skip: called as (problem, steering, seed); True leaves the unit out.
        max_rows: most units in one batch; by default what suits the device and the memory.
        lenient: give a question that cannot be asked blocks with `error`, and go on.

    Raises:
        UserError: steerings, protocol, decoding and model do not fit together, or a question is
            empty or too long and not `lenient`.
    """
    engine = Engine(
        model, questions, gold, steerings, protocol, decoding, memory, max_rows, lenient=lenient
    )
    units = [
        Unit(problem, index, seed)
        for problem in range(len(questions))
        for index in range(len(steerings))
        for seed in seeds
        if skip is None or not skip(problem, index, seed)
    ]
    for block in engine.blocks(units):
        if progress is not None:
            progress(len(block))
        yield block


class Engine:
    """One model, questions and steerings, checked and ready to run units of them."""

    def __init__(
        self,
        model: Model,
        questions: Sequence[str],
        gold: Sequence[str] | None,
        steerings: Sequence[Steering],
        protocol: str | Protocol | None,
        decoding: Mapping[str, str | float] | None,
        memory: int,
        max_rows: int | None,
        *,
        lenient: bool = False,
    ) -> None:
        self.model, self.steerings = model, list(steerings)
        self.net: Network = network_of(model)
        self.protocol = resolve_protocol(protocol, model)
        last_entry = 1 if self.protocol.vocabulary == "less_last" else 0
        self.rule: Decoding = parse_decoding(
            decoding or {"mode": "greedy"},
            n_choices=model.vocab_size - last_entry,
            max_new_tokens=self.protocol.max_new_tokens,
            ends=model.ends,
        )
        self.start = answer_start_tokens(model, self.protocol)
        self.golds: list[list[int]] | None = None
        if gold is not None:
            if len(gold) != len(questions):
                raise UserError(f"{len(questions)} questions have {len(gold)} gold answers")
            self.golds = [gold_tokens(model, self.protocol, answer) for answer in gold]
        draft = max((len(g) for g in self.golds), default=0) if self.golds else 0
        self.room = self.protocol.n_fed + len(self.start) + max(draft, self.rule.max_new_tokens)
        self.prompts, self.faults = tokenize(model, self.net, self.protocol, questions, self.room)
        if self.faults and not lenient:
            raise UserError(next(iter(self.faults.values())))
        self.opening = 1 + self.protocol.n_fed + len(self.start) + max(0, draft - 1)
        self.entries = self.opening
        if not self.net.fused:  # every row has the whole of its prompt for itself
            self.entries += max(map(len, self.prompts), default=0)
        self.memory, self.max_rows = memory, max_rows
        self._check_steerings(len(questions))

    @property
    def open_ended(self) -> bool:
        """Whether generated tokens are steered, as in models without thoughts."""
        return self.protocol.open_ended

    @property
    def n_steered(self) -> int:
        """Positions that a steering may address."""
        return self.protocol.n_steered

    def _check_steerings(self, n_questions: int) -> None:
        for steering in self.steerings:
            if steering.is_baseline:
                continue
            site_vectors(steering, self.n_steered, self.model.d_model, open_ended=self.open_ended)
            for site in steering.sites:
                layer = residual_layer(site)
                if layer is not None and layer >= self.net.n_layer:
                    raise UserError(f"site {site}: layers go from 0 to {self.net.n_layer - 1}")
                if self.open_ended and (layer is None or steering.effect == "direct"):
                    raise UserError(
                        f"site {site} with effect {steering.effect} needs thoughts; a plain "
                        "model is steered at residual:<layer> with effect total"
                    )
            factors = steering.alpha_factors
            if factors is not None and len(factors) != n_questions:
                raise UserError(f"{len(factors)} alpha factors for {n_questions} questions")

    def blocks(self, units: Sequence[Unit]) -> Iterator[Block]:
        """Blocks of all the units, one batch at a time."""
        for block, _ in self.blocks_with_states(units):
            yield block

    def blocks_with_states(
        self, units: Sequence[Unit], *, rows: int | None = None, workers: int | None = None
    ) -> Iterator[tuple[Block, Tensor]]:
        """Blocks with the final states [n, k, d] at the answer's start and along its gold draft.

        Args:
            units: what is computed.
            rows: most units of a batch; by default as many as in a sweep.
            workers: batches computed at a time, among which the units are divided.
        """
        refused = [unit for unit in units if unit.problem in self.faults]
        if refused:
            yield self._unasked(refused), torch.empty(len(refused), 1, self.model.d_model)
            units = [unit for unit in units if unit.problem not in self.faults]
        # Modules with hooks are not for several threads at a time.
        usual = worker_count(self.model) if self.net.fused else 1
        memory = self.memory // usual
        n_rows = rows or self.max_rows or batch_rows(self.model, self.net, self.entries, memory)
        workers = (workers or usual) if self.net.fused else 1
        for window in windows(units, self.prompts, self.net, self.model, self.memory):
            with torch.inference_mode():
                prefixes = list(prefill(self.net, self.prompts, window.problems, self.model.device))
            groups = group_units(window, self.steerings, n_rows, workers)
            compute = partial(self._safely, prefixes)
            for results in ordered(compute, groups, workers):
                yield from results

    def _unasked(self, units: Sequence[Unit]) -> Block:
        """The block of units whose question cannot be asked."""
        n, columns = len(units), np.array(units, dtype=np.int64).T
        one = np.full(n, np.nan, dtype=np.float32)
        each = np.full((n, self.protocol.n_positions), np.nan, dtype=np.float32)
        errors: list[str | None] = [self.faults[unit.problem] for unit in units]
        empty: list[list[int]] = [[] for _ in units]
        told = np.zeros(n, dtype=bool)
        problem, steering, seed = columns
        return Block(problem, steering, seed, empty, told, one, one, each, each, each, each, errors)

    def _safely(self, prefixes: list[Prompts], units: list[Unit]) -> list[tuple[Block, Tensor]]:
        """One batch, or its halves where the device has no memory for it."""
        try:
            with torch.inference_mode():
                return [self._batch(prefixes, units)]
        except torch.OutOfMemoryError as error:
            if len(units) == 1:
                raise UserError("the device has no memory for a single unit") from error
        torch.cuda.empty_cache()
        middle = len(units) // 2
        halves = (units[:middle], units[middle:])
        return [result for half in halves for result in self._safely(prefixes, half)]

    def _batch(self, prefixes: list[Prompts], units: list[Unit]) -> tuple[Block, Tensor]:
        place = {q: (i, j) for i, p in enumerate(prefixes) for j, q in enumerate(p.questions)}
        units = sorted(units, key=lambda unit: (place[unit.problem], unit.steering, unit.seed))
        table = self._table(units)
        direct = any(self.steerings[unit.steering].effect == "direct" for unit in units)
        residual = any(layer is not None for layer in table.layers)
        places = [place[unit.problem] for unit in units]
        rows = self.rows(prefixes, places, residual)
        if direct:
            thoughts = self._think_direct(prefixes, rows, table, places)
        else:
            thoughts = think(rows, table, self.protocol)
        noise = None
        if self.rule.temperature is not None:
            prompts = [self.prompts[unit.problem] for unit in units]
            noise = Noise(prompts, [unit.seed for unit in units], self.rule.n_choices)
        golds = None
        if self.golds is not None:
            golds = [self.golds[unit.problem] for unit in units]
        answers = decode(rows, thoughts, self.start, golds, self.rule, table, noise)
        return _block(units, answers, thoughts.norms), answers.states

    def rows(
        self, prefixes: list[Prompts], places: Sequence[tuple[int, int]], drop_last: bool
    ) -> Rows:
        """Fresh rows for (prefix, question within it) pairs, in order of the prefixes."""
        where = torch.tensor(places, device=self.model.device).view(-1, 2)
        return new_rows(
            self.net, prefixes, where[:, 0], where[:, 1], drop_last=drop_last, capacity=self.opening
        )

    def _think_direct(
        self,
        prefixes: list[Prompts],
        rows: Rows,
        table: SteeringTable,
        places: list[tuple[int, int]],
    ) -> Thoughts:
        distinct = sorted(set(places))
        index = {where: i for i, where in enumerate(distinct)}
        base = think_unsteered(self.rows(prefixes, distinct, True), self.protocol)
        of_row = torch.tensor([index[where] for where in places], device=self.model.device)
        return think_direct(rows, table, self.protocol, base, of_row)

    def _table(self, units: Sequence[Unit]) -> SteeringTable:
        used = sorted({unit.steering for unit in units})
        index = {steering: i for i, steering in enumerate(used)}
        chosen = [self.steerings[i] for i in used]
        factors = None
        if any(steering.alpha_factors is not None for steering in chosen):
            factors = [self._factor(unit) for unit in units]
        return SteeringTable(
            chosen,
            [index[unit.steering] for unit in units],
            factors,
            n_positions=self.n_steered,
            width=self.model.d_model,
            device=self.model.device,
            open_ended=self.open_ended,
        )

    def _factor(self, unit: Unit) -> float:
        factors = self.steerings[unit.steering].alpha_factors
        return 1.0 if factors is None else float(factors[unit.problem])


def _block(units: Sequence[Unit], answers: Answers, norms: Norms) -> Block:
    columns = np.array([(u.problem, u.steering, u.seed) for u in units], dtype=np.int64).T
    before, after, fed, cosine = (
        x.cpu().numpy() for x in (norms.before, norms.after, norms.fed, norms.cosine)
    )
    return Block(
        columns[0],
        columns[1],
        columns[2],
        answers.tokens,
        answers.truncated,
        answers.gold_logprob,
        answers.margin,
        before,
        after,
        fed,
        cosine,
        [None if fine else NOT_FINITE for fine in _finite(answers)],
    )


def _finite(answers: Answers) -> npt.NDArray[np.bool_]:
    """Which rows came to numbers, [n]; without a gold answer its log-probability is none."""
    scored = np.isfinite(answers.gold_logprob) | (not answers.scored)
    fine: npt.NDArray[np.bool_] = np.isfinite(answers.margin) & scored
    return fine
