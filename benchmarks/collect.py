"""How fast the engine is: against the report's procedure, a plain prototype and the arithmetic.

    python benchmarks/collect.py            # both shapes, about three minutes on two cores
    python benchmarks/collect.py --shape bundled

Everything is timed in one process with equal threads and dtype, and every answer that two of them
gave is compared. "Procedure" is one problem and one condition at a time through the transformers
modules, the question encoded again each time. "Prototype" encodes each question once, repeats its
cache for 13 doses and runs 4 questions, 52 rows, at a time. "Generic" is the engine through the
transformers modules, as it runs families without a fused network, on some of the questions.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

# This file is called `collect` as well: the package must be found before it.
# ruff: noqa: E402
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from transformers.cache_utils import DynamicCache

from collect.engine.affine import Affine
from collect.engine.engine import run
from collect.engine.interventions import Steering
from collect.engine.protocol import Protocol, answer_start_tokens, prompt_tokens, resolve_protocol
from collect.engine.reference import plain_answer
from collect.models.model import Model

ALPHAS = np.arange(-3.0, 3.5, 0.5)
PROTOTYPE_QUESTIONS = 4
GENERIC_QUESTIONS = 24
FRAGILE = 1e-3  # answers may differ only where two logits are closer than this

T = TypeVar("T")
Answers = dict[tuple[int, int], list[int]]


@dataclass
class Case:
    """One model with its questions and conditions."""

    name: str
    model: Model
    protocol: Protocol
    questions: list[str]
    gold: list[str] | None
    steerings: list[Steering]
    n_slow: int


def bundled_case() -> Case:
    """The bundled model on 100 generated problems of all lengths."""
    from collect.models.checkpoints import load_model
    from collect.problems.arithmetic import problems

    model = load_model("bundled", device=DEVICE)
    drawn = [
        problem
        for steps, count in ((1, 20), (2, 20), (3, 40), (4, 40))
        for problem in itertools.islice(problems(seed=5, n_steps=steps, split="held_out"), count)
    ]
    steerings = conditions(8, model.n_latent, model.d_model, length=2.0)
    return Case(
        "bundled model (4 layers, 128)", model, resolve_protocol("codi", model),
        [p.question for p in drawn], [str(p.answer) for p in drawn], steerings, 160,
    )  # fmt: skip


def gpt2_case() -> Case:
    """The shape of GPT-2 small with three more words and random weights."""
    torch.manual_seed(0)
    n_words, width = 50260, 768
    config = GPT2Config(vocab_size=n_words, bos_token_id=0, eos_token_id=0)
    lm: Any = GPT2LMHeadModel(config)
    lm.eval().to(DEVICE)
    projection = nn.Sequential(
        nn.Linear(width, width), nn.GELU(), nn.Linear(width, width), nn.LayerNorm(width)
    )
    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(n_words)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=words, eos_token="w0", pad_token=f"w{n_words - 3}"
    )
    model = Model(
        "random GPT-2 small", "codi", lm, projection.eval().to(DEVICE), tokenizer,
        n_words - 2, n_words - 1, 0, n_words - 3, 6, 12, width,
        torch.device(DEVICE), torch.float32, "0" * 64, "0" * 64,
    )  # fmt: skip
    random = np.random.default_rng(0)
    questions = [
        " ".join(f"w{i}" for i in random.integers(1, 50000, size=int(length)))
        for length in random.integers(54, 67, size=16)
    ]
    protocol = resolve_protocol("codi", model, max_new_tokens=10)
    steerings = conditions(3, 6, width, length=20.0)
    return Case(
        "GPT-2 small shape (12 layers, 768), random weights",
        model,
        protocol,
        questions,
        None,
        steerings,
        12,
    )


def conditions(n_directions: int, n_latent: int, width: int, length: float) -> list[Steering]:
    """Random directions [T, d] of one length, each at every alpha."""
    random = np.random.default_rng(1)
    made = []
    for index in range(n_directions):
        vectors = random.standard_normal((n_latent, width))
        vectors *= length / np.linalg.norm(vectors, axis=1, keepdims=True)
        made += [Steering(vectors.astype(np.float32), float(a), key=f"{index}") for a in ALPHAS]
    return made


def by_engine(case: Case) -> Answers:
    """Every answer, by the engine."""
    return {
        (int(p), int(s)): tokens
        for block in run(
            case.model, case.questions, case.gold, case.steerings, protocol=case.protocol
        )
        for p, s, tokens in zip(block.problem, block.steering, block.tokens, strict=True)
    }


def by_generic(case: Case) -> Answers:
    """Every answer, by the engine's generic network."""
    with patch("collect.engine.paths.why_not_fused", return_value="measured"):
        return by_engine(case)


@torch.inference_mode()
def by_procedure(case: Case, units: list[tuple[int, int]]) -> Answers:
    """The report's loop: the question encoded again, one forward call of the model per vector."""
    answers = {}
    for problem, index in units:
        steering = case.steerings[index]
        answers[problem, index] = procedure(case, case.questions[problem], added(case, steering))
    return answers


def added(case: Case, steering: Steering) -> torch.Tensor:
    """What a condition adds at each position, [T, d], on the model's device."""
    assert steering.vectors is not None  # every condition here has a direction
    return torch.from_numpy(steering.alpha * steering.vectors).to(case.model.device)


def projected(case: Case, thought: torch.Tensor) -> torch.Tensor:
    """The next thought of a final state; both models have a projection."""
    assert case.model.projection is not None
    return torch.as_tensor(case.model.projection(thought))


def n_latent(case: Case) -> int:
    """How many thoughts are steered."""
    assert case.protocol.n_latent is not None  # resolved
    return case.protocol.n_latent


def procedure(case: Case, question: str, dosed: torch.Tensor) -> list[int]:
    """One answer by the report's procedure: one question and condition at a time."""
    model, protocol, lm = case.model, case.protocol, case.model.lm
    embed = lm.get_input_embeddings()
    ids = torch.tensor([prompt_tokens(model, protocol, question)], device=model.device)
    out = lm(input_ids=ids, use_cache=True, output_hidden_states=True)
    for t in range(n_latent(case)):
        thought = out.hidden_states[-1][:, -1] + dosed[t]
        out = lm(
            inputs_embeds=projected(case, thought)[:, None], use_cache=True,
            output_hidden_states=True, past_key_values=out.past_key_values,
        )  # fmt: skip
    x = embed(torch.tensor([answer_start_tokens(model, protocol)], device=model.device))
    tokens: list[int] = []
    while True:
        out = lm(inputs_embeds=x, use_cache=True, past_key_values=out.past_key_values)
        tokens.append(int(out.logits[0, -1, : model.vocab_size - 1].argmax()))
        if tokens[-1] == model.eos_id or len(tokens) == protocol.max_new_tokens:
            return tokens
        x = embed(torch.tensor([tokens[-1:]], device=model.device))


@torch.inference_mode()
def by_prototype(case: Case, units: list[tuple[int, int]]) -> Answers:
    """Batches of (questions) x (13 doses of one direction), caches repeated, padded on the left."""
    answers: Answers = {}
    for problems, indices in prototype_batches(units):
        answers.update(prototype_batch(case, problems, indices))
    return answers


def prototype_batches(units: list[tuple[int, int]]) -> list[tuple[list[int], list[int]]]:
    """Questions and conditions of each batch of the prototype."""
    problems = sorted({problem for problem, _ in units})
    n_directions = max(index for _, index in units) // len(ALPHAS) + 1
    return [
        (
            problems[i : i + PROTOTYPE_QUESTIONS],
            list(range(j * len(ALPHAS), (j + 1) * len(ALPHAS))),
        )
        for i in range(0, len(problems), PROTOTYPE_QUESTIONS)
        for j in range(n_directions)
    ]


def prototype_batch(case: Case, problems: list[int], indices: list[int]) -> Answers:
    """The answers of one batch by the prototype."""
    model, protocol, device = case.model, case.protocol, case.model.device
    body, head = model.lm.base_model, model.lm.get_output_embeddings()
    prompts = [prompt_tokens(model, protocol, case.questions[p]) for p in problems]
    longest, n = max(map(len, prompts)), len(indices)
    ids = torch.tensor([[model.pad_id] * (longest - len(p)) + p for p in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
    positions = (mask.cumsum(1) - 1).clamp_min(0)
    cache = DynamicCache(config=model.lm.config)
    out = body(ids, attention_mask=mask, position_ids=positions, past_key_values=cache)
    state = out.last_hidden_state[:, -1].repeat_interleave(n, 0)
    cache.batch_repeat_interleave(n)
    mask, at = mask.repeat_interleave(n, 0), positions[:, -1].repeat_interleave(n)
    dosed = torch.stack([added(case, case.steerings[i]) for i in indices])
    dosed = dosed.repeat(len(problems), 1, 1)

    def feed(x: torch.Tensor) -> torch.Tensor:
        """The last hidden state after one more embedding."""
        nonlocal mask, at
        mask = torch.cat([mask, mask.new_ones((len(mask), 1))], 1)
        at = at + 1
        fed = body(
            inputs_embeds=x[:, None], attention_mask=mask, position_ids=at[:, None],
            past_key_values=cache,
        )  # fmt: skip
        return torch.as_tensor(fed.last_hidden_state[:, -1])

    for t in range(n_latent(case)):
        state = feed(projected(case, state + dosed[:, t]))
    embed = model.lm.get_input_embeddings()
    for token in answer_start_tokens(model, protocol):
        state = feed(embed(torch.full((len(mask),), token, device=device)))
    chosen = []
    done = torch.zeros(len(mask), dtype=torch.bool, device=device)
    while True:
        token = head(state)[:, : model.vocab_size - 1].argmax(-1)
        chosen.append(token)
        done |= token == model.eos_id
        if bool(done.all()) or len(chosen) == protocol.max_new_tokens:
            break
        state = feed(embed(token))
    rows = torch.stack(chosen, 1).tolist()
    keys = [(p, i) for p in problems for i in indices]
    return {key: cut(row, model.eos_id) for key, row in zip(keys, rows, strict=True)}


def cut(row: list[int], eos: int) -> list[int]:
    """Tokens up to end-of-text, and that."""
    return row[: row.index(eos) + 1] if eos in row else row


def useful_flops(case: Case, answers: Answers) -> float:
    """Multiplications and additions that step-by-step decoding needs, attention left out."""
    config = case.model.lm.config
    block = 12 * config.n_embd**2 * config.n_layer
    assert case.model.projection is not None
    projection = sum(p.numel() for p in case.model.projection.parameters() if p.dim() == 2)
    prompt = {
        p: len(prompt_tokens(case.model, case.protocol, q)) for p, q in enumerate(case.questions)
    }
    fed = sum(prompt.values()) * block
    for tokens in answers.values():
        steps = case.protocol.n_fed + 1 + len(tokens) - 1
        head = len(tokens) * config.vocab_size * config.n_embd
        fed += steps * block + n_latent(case) * projection + head
    return 2.0 * float(fed)


def matmul_rate(case: Case) -> float:
    """Best multiply rate over the model's own shapes and a large square, in FLOP/s.

    Both of torch's libraries are tried: what `torch.mm` takes, and oneDNN's linear map.
    """
    width, best = case.model.d_model, 0.0
    for n_rows, inner, outer in ((624, width, 4 * width), (1024, 4 * width, width), (2048,) * 3):
        a, b = (torch.randn(shape, device=DEVICE) for shape in ((n_rows, inner), (inner, outer)))
        affine = Affine(b.t(), None)
        for work in (partial(torch.mm, a, b), partial(affine, a)):
            seconds = min(timed(work)[0] for _ in range(12))
            best = max(best, 2 * n_rows * inner * outer / seconds)
    return best


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds and result of some work."""
    synchronize()
    start = CLOCK()
    result = work()
    synchronize()
    return CLOCK() - start, result


def synchronize() -> None:
    """Wait for the GPU, where there is one."""
    if DEVICE != "cpu":
        torch.cuda.synchronize()


def compare(case: Case, ours: Answers, theirs: Answers, name: str) -> int:
    """Asserts equal tokens; answers that differ must hang on two nearly equal logits."""
    fragile = 0
    for unit, tokens in theirs.items():
        if ours[unit] != tokens:
            steering = case.steerings[unit[1]]
            answer = plain_answer(case.model, case.protocol, case.questions[unit[0]], steering)
            assert answer.margin < FRAGILE, f"{name} gives another answer to {unit}"
            fragile += 1
    return fragile


def measure(case: Case) -> dict[str, Any]:
    """Seconds per generation of all three, with their answers compared."""
    rate = matmul_rate(case)
    by_engine(case)
    runs = [timed(lambda: by_engine(case)) for _ in range(3)]
    seconds, answers = min(runs, key=lambda run: run[0])
    random = np.random.default_rng(2)
    drawn = random.permutation(sorted(answers))[: case.n_slow]
    units = [(int(p), int(s)) for p, s in drawn]
    by_procedure(case, units[:2])
    slow, slow_answers = timed(lambda: by_procedure(case, units))
    some = [(p, s) for p, s in answers if p < (48 if case.model.d_model < 512 else 16)]
    by_prototype(case, [unit for unit in some if unit[0] < 4 and unit[1] < len(ALPHAS)])
    middle, middle_answers = timed(lambda: by_prototype(case, some))
    part = replace(
        case,
        questions=case.questions[:GENERIC_QUESTIONS],
        gold=case.gold and case.gold[:GENERIC_QUESTIONS],
    )
    by_generic(replace(part, steerings=part.steerings[:2]))
    generic, generic_answers = timed(lambda: by_generic(part))
    ours = seconds / len(answers)
    flops = useful_flops(case, answers)
    return {
        "case": case.name,
        "device": DEVICE,
        "threads": torch.get_num_threads(),
        "generations": len(answers),
        "tokens_per_answer": round(sum(map(len, answers.values())) / len(answers), 2),
        "engine_ms": 1e3 * ours,
        "procedure_ms": 1e3 * slow / len(units),
        "prototype_ms": 1e3 * middle / len(middle_answers),
        "generic_ms": 1e3 * generic / len(generic_answers),
        "times_generic": generic / min(timed(lambda: by_engine(part))[0] for _ in range(3)),
        "times_procedure": slow / len(units) / ours,
        "times_prototype": middle / len(middle_answers) / ours,
        "matmul_gflops": rate / 1e9,
        "engine_gflops": flops / seconds / 1e9,
        "share_of_matmul": flops / seconds / rate,
        "equal_tokens": len(units) + len(middle_answers) + len(generic_answers),
        "fragile": compare(case, answers, slow_answers, "procedure")
        + compare(case, answers, middle_answers, "prototype")
        + compare(case, answers, generic_answers, "generic"),
    }


def main() -> None:
    """Measure the chosen shapes and print their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=("all", "bundled", "gpt2"), default="all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--cpu-time", action="store_true", help="for a busy machine, with --threads 1"
    )
    options = parser.parse_args()
    global DEVICE, CLOCK
    DEVICE = options.device
    CLOCK = time.process_time if options.cpu_time else time.perf_counter
    torch.set_num_threads(options.threads)
    cases = {"bundled": bundled_case, "gpt2": gpt2_case}
    for name, build in cases.items():
        if options.shape in ("all", name):
            result = measure(build())
            if options.json:
                print(json.dumps(result))
                continue
            for key, value in result.items():
                print(f"{key:18}", f"{value:.4g}" if isinstance(value, float) else value)
            print()


DEVICE, CLOCK = "cpu", time.perf_counter

if __name__ == "__main__":
    main()
