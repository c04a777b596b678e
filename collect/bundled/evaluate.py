"""Accuracy and ablations of a freshly trained bundled model, without the sweep engine.

Nothing here is shared with the engine, so that the model card does not depend on it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from transformers.cache_utils import DynamicCache

from collect.bundled.recipe import BOT, EOS, EOT, N_LATENT, CodiForTraining, token_id
from collect.problems.arithmetic import MAX_STEPS, ArithmeticProblem, problems

MAX_NEW_TOKENS = 6
# The demo's mix of 1, 2, 3 and 4-step problems.
DEMO_MIX = (1, 1, 2, 2)


def held_out_problems(
    *, seed: int, count: int, mix: Sequence[int] = DEMO_MIX
) -> list[ArithmeticProblem]:
    """About `count` problems that training never saw, in the given mix of steps."""
    drawn: list[ArithmeticProblem] = []
    for n_steps, weight in enumerate(mix, start=1):
        source = problems(seed=seed, n_steps=n_steps, split="held_out")
        drawn += itertools.islice(source, round(count * weight / sum(mix)))
    return drawn


@torch.inference_mode()
def generate(
    model: CodiForTraining,
    tokenizer: Tokenizer,
    questions: Sequence[str],
    *,
    fed: torch.Tensor | None = None,
) -> tuple[list[str], torch.Tensor]:
    """Greedy answers and the latents fed back.

    Args:
        model: the model in evaluation mode.
        tokenizer: its tokenizer.
        questions: n questions.
        fed: [n, T, d], fed in place of the model's own latents.

    Returns:
        The n answer texts, and the latents that were fed, [n, T, d].
    """
    gpt, head = model.codi.transformer, model.codi.lm_head
    embed = model.codi.get_input_embeddings()
    encoded = [tokenizer.encode(question).ids for question in questions]
    groups: dict[int, list[int]] = defaultdict(list)
    for row, ids in enumerate(encoded):
        groups[len(ids)].append(row)
    used = torch.zeros(len(questions), N_LATENT, model.codi.config.n_embd)
    texts = [""] * len(questions)
    bot, eot, eos = (token_id(tokenizer, token) for token in (BOT, EOT, EOS))
    for rows in groups.values():
        n = len(rows)
        prompt = torch.tensor([[*encoded[row], bot] for row in rows])
        cache = DynamicCache()
        state = gpt(prompt, past_key_values=cache, use_cache=True).last_hidden_state[:, -1:]
        for step in range(N_LATENT):
            latent = model.prj(state) if fed is None else fed[rows, step : step + 1]
            used[rows, step] = latent[:, 0]
            state = gpt(inputs_embeds=latent, past_key_values=cache).last_hidden_state
        token = torch.full((n, 1), eot)
        answers: list[list[int]] = [[] for _ in rows]
        for _ in range(MAX_NEW_TOKENS):
            state = gpt(inputs_embeds=embed(token), past_key_values=cache).last_hidden_state
            token = head(state)[:, :, :-1].argmax(-1)
            for answer, new in zip(answers, token[:, 0].tolist(), strict=True):
                answer.append(new)
        for row, answer in zip(rows, answers, strict=True):
            end = answer.index(eos) if eos in answer else len(answer)
            texts[row] = tokenizer.decode(answer[:end])
    return texts, used


def _right(texts: Sequence[str], asked: Sequence[ArithmeticProblem]) -> torch.Tensor:
    pairs = zip(texts, asked, strict=True)
    return torch.tensor([text == f": {problem.answer}" for text, problem in pairs])


def _by_steps(right: torch.Tensor, steps: torch.Tensor) -> dict[str, float]:
    accuracy = {str(k): right[steps == k].float().mean().item() for k in range(1, MAX_STEPS + 1)}
    several = steps >= 2
    return {
        **accuracy,
        "overall": right.float().mean().item(),
        "2+": right[several].float().mean().item(),
    }


def measure(
    model: CodiForTraining, tokenizer: Tokenizer, *, seed: int, count: int
) -> dict[str, dict[str, float]]:
    """Accuracy by number of steps, with the model's latents and with three kinds of wrong ones."""
    model.eval()
    asked = held_out_problems(seed=seed, count=count)
    steps = torch.tensor([problem.n_steps for problem in asked])
    questions = [problem.question for problem in asked]
    texts, latents = generate(model, tokenizer, questions)
    generator = torch.Generator().manual_seed(seed)
    # Another problem with the same number of steps: the next one, in a ring, within each group.
    other = torch.arange(len(asked))
    for k in range(1, MAX_STEPS + 1):
        rows = torch.nonzero(steps == k)[:, 0]
        other[rows] = rows.roll(1)
    noise = torch.randn(latents.shape, generator=generator)
    noise = noise / noise.norm(dim=-1, keepdim=True) * latents.norm(dim=-1, keepdim=True)
    measured = {"own latents": _by_steps(_right(texts, asked), steps)}
    for name, fed in (
        ("zeros", torch.zeros_like(latents)),
        ("latents of another problem", latents[other]),
        ("noise of the same norm", noise),
    ):
        texts, _ = generate(model, tokenizer, questions, fed=fed)
        measured[name] = _by_steps(_right(texts, asked), steps)
    return measured
