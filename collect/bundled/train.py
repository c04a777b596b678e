"""Train the bundled CODI model from random weights: `make train-bundled`.

The losses are those of Shen et al. (2025), "CODI: Compressing Chain-of-Thought into Continuous
Space via Self-Distillation": the student's answer after its latents, the teacher's answer after
the written chain, and the distance of their hidden states at the token before the answer.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import GPT2LMHeadModel
from transformers.cache_utils import DynamicCache

from collect.bundled.evaluate import measure
from collect.bundled.recipe import (
    BOT,
    EOT,
    IGNORED,
    N_LATENT,
    CodiForTraining,
    Examples,
    build_config,
    build_tokenizer,
    concatenate,
    token_id,
    training_examples,
)
from collect.bundled.save import save_checkpoint, write_card
from store.layout import whole_file

DISTILLATION_WEIGHT = 10.0
BATCH_SIZE = 64


@dataclass(frozen=True)
class Phase:
    """One phase of training.

    Attributes:
        name: what it is called in the log.
        steps: optimizer steps.
        learning_rate: at the end of its warm-up.
        first_mix, last_mix: weights of 1, 2, 3 and 4-step problems, at the start and from the
            middle of the phase on.
        student: whether the CODI losses are used, or the teacher's alone.
        cosine: whether the learning rate falls to zero over the phase.
    """

    name: str
    steps: int
    learning_rate: float
    first_mix: tuple[float, float, float, float]
    last_mix: tuple[float, float, float, float]
    student: bool
    cosine: bool = False


FULL_RECIPE = (
    Phase("teacher", 2000, 2e-3, (1, 1, 1, 1), (1, 1, 1, 1), student=False),
    Phase("codi", 1000, 1.5e-3, (2, 2, 1, 1), (2, 2, 1, 1), student=True),
    Phase("codi, harder", 4000, 1.5e-3, (2, 5, 0.5, 0.2), (1, 2, 2, 2), student=True, cosine=True),
    # The last phase's mix forgets a little of the one-step facts; this one brings them back.
    Phase("codi, even", 800, 6e-4, (4, 2, 2, 2), (4, 2, 2, 2), student=True, cosine=True),
)
SMOKE_RECIPE = (
    Phase("teacher", 60, 2e-3, (1, 0, 0, 0), (1, 0, 0, 0), student=False),
    Phase("codi", 40, 1.5e-3, (1, 0, 0, 0), (1, 0, 0, 0), student=True),
)


@dataclass(frozen=True)
class Losses:
    """The three terms of the CODI loss; those of the student are zero in the teacher's phase."""

    teacher: torch.Tensor
    student: torch.Tensor
    distillation: torch.Tensor

    @property
    def total(self) -> torch.Tensor:
        """What is minimised."""
        return self.teacher + self.student + DISTILLATION_WEIGHT * self.distillation


def losses(model: CodiForTraining, batch: Examples, bot: int, eot: int, *, student: bool) -> Losses:
    """The loss terms on one batch; teacher and student share the question's forward pass."""
    codi, gpt = model.codi, model.codi.transformer
    n = len(batch.question)
    positions = batch.question_mask.cumsum(1) - 1
    prefix = gpt(
        batch.question,
        attention_mask=batch.question_mask,
        position_ids=positions.clamp(min=0),
        use_cache=True,
    )
    question_cache = [(layer.keys, layer.values) for layer in prefix.past_key_values.layers]
    next_position = positions[:, -1:] + 1

    # Teacher: chain and answer, the answer directly after the chain's last real token.
    length = batch.chain.shape[1] + batch.answer.shape[1]
    suffix = batch.question.new_zeros((n, length))
    suffix[:, : batch.chain.shape[1]] = batch.chain
    answer_at = batch.chain_length[:, None] + torch.arange(batch.answer.shape[1])
    suffix.scatter_(1, answer_at, batch.answer)
    mask = torch.cat([batch.question_mask, torch.ones_like(suffix)], 1)
    taught = gpt(
        suffix,
        attention_mask=mask,
        position_ids=next_position + torch.arange(length),
        past_key_values=DynamicCache(question_cache),
        output_hidden_states=True,
    )
    last_question_state = prefix.last_hidden_state[:, -1:]
    states = torch.cat([last_question_state, taught.last_hidden_state[:, :-1]], 1)
    used = torch.arange(length) < (batch.chain_length + _lengths(batch.answer_labels))[:, None]
    teacher_loss = _cross_entropy(codi, states, suffix.masked_fill(~used, IGNORED))
    if not student:
        zero = torch.zeros(())
        return Losses(teacher_loss, zero, zero)

    cache = DynamicCache(question_cache)
    fed = codi.get_input_embeddings()(torch.full((n, 1), bot))
    mask = batch.question_mask
    for step in range(N_LATENT + 1):
        mask = torch.cat([mask, mask.new_ones((n, 1))], 1)
        state = gpt(
            inputs_embeds=fed,
            attention_mask=mask,
            position_ids=next_position + step,
            past_key_values=cache,
        ).last_hidden_state
        fed = model.prj(state)
    suffix = torch.cat([batch.question.new_full((n, 1), eot), batch.answer], 1)
    answered = gpt(
        suffix,
        attention_mask=torch.cat([mask, torch.ones_like(suffix)], 1),
        position_ids=next_position + N_LATENT + 1 + torch.arange(suffix.shape[1]),
        past_key_values=cache,
        output_hidden_states=True,
    )
    student_loss = _cross_entropy(codi, answered.last_hidden_state[:, :-1], batch.answer_labels)

    # All layers but the embedding, where the two differ by their position alone.
    rows = torch.arange(n)
    distances = []
    for of_teacher, of_student in zip(
        taught.hidden_states[1:], answered.hidden_states[1:], strict=True
    ):
        target = of_teacher[rows, batch.chain_length].detach().float()
        distance = nn.functional.smooth_l1_loss(of_student[:, 1].float(), target)
        distances.append(distance / target.std())
    return Losses(teacher_loss, student_loss, torch.stack(distances).mean())


def _lengths(labels: torch.Tensor) -> torch.Tensor:
    return (labels != IGNORED).sum(1)


def _cross_entropy(
    codi: GPT2LMHeadModel, states: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Mean over the labelled tokens; `states` are those that predict them."""
    logits = codi.lm_head(states).float()
    return nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)


def batches(
    examples: list[Examples], phase: Phase, generator: torch.Generator
) -> Iterator[Examples]:
    """Endless batches whose mix of steps moves from the phase's first to its last mix."""
    first, last = torch.tensor(phase.first_mix), torch.tensor(phase.last_mix)
    first, last = first / first.sum(), last / last.sum()
    for step in itertools.count():
        moved = min(1.0, step / max(1, phase.steps / 2))
        weights = first * (1 - moved) + last * moved
        drawn = torch.multinomial(weights, BATCH_SIZE, replacement=True, generator=generator)
        parts = []
        for kind in drawn.unique().tolist():
            count = int((drawn == kind).sum())
            source = examples[kind]
            rows = torch.randint(len(source.question), (count,), generator=generator)
            parts.append(source.take(rows))
        yield concatenate(parts)


def train(
    recipe: tuple[Phase, ...], *, seed: int, per_step_count: int, checkpoint: Path | None = None
) -> tuple[CodiForTraining, list[dict[str, float | str]]]:
    """Train from random weights and return the model with its loss curve."""
    random.seed(seed)
    torch.manual_seed(seed)
    tokenizer = build_tokenizer()
    bot, eot = token_id(tokenizer, BOT), token_id(tokenizer, EOT)
    examples = training_examples(tokenizer, seed=seed, per_step_count=per_step_count)
    model = CodiForTraining(build_config(tokenizer))
    generator = torch.Generator().manual_seed(seed)
    curve: list[dict[str, float | str]] = []
    for phase in recipe:
        optimizer = torch.optim.AdamW(
            model.parameters(), lr=phase.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
        )
        started = time.monotonic()
        for step, batch in zip(
            range(phase.steps), batches(examples, phase, generator), strict=False
        ):
            rate = phase.learning_rate * min(1.0, (step + 1) / 100)
            if phase.cosine:
                rate *= 0.5 * (1 + math.cos(math.pi * step / phase.steps))
            for group in optimizer.param_groups:
                group["lr"] = rate
            with torch.autocast("cpu", torch.bfloat16):
                loss = losses(model, batch, bot, eot, student=phase.student)
            optimizer.zero_grad(set_to_none=True)
            loss.total.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if step % 100 == 0 or step == phase.steps - 1:
                row: dict[str, float | str] = {
                    "phase": phase.name,
                    "step": step,
                    "seconds": round(time.monotonic() - started, 1),
                    "teacher": loss.teacher.item(),
                    "student": loss.student.item(),
                    "distillation": loss.distillation.item(),
                }
                curve.append(row)
                print(json.dumps(row), flush=True)
            if checkpoint is not None and step % 1000 == 999:
                with whole_file(checkpoint) as temporary:
                    torch.save(model.state_dict(), temporary)
    return model, curve


def finish(
    model: CodiForTraining,
    curve: list[dict[str, float | str]],
    folder: Path,
    *,
    recipe: tuple[Phase, ...],
    seed: int,
    per_step_count: int,
    held_out: int,
    minutes: float,
) -> dict[str, dict[str, float]]:
    """Save the checkpoint, measure what was saved (fp16) and write the card."""
    tokenizer = build_tokenizer()
    save_checkpoint(model, tokenizer, folder)
    rounded = {name: tensor.half().float() for name, tensor in model.state_dict().items()}
    model.load_state_dict(rounded)
    measured = measure(model, tokenizer, seed=seed + 1, count=held_out)
    write_card(
        folder,
        seed=seed,
        count=held_out,
        per_step_count=per_step_count,
        phases=[asdict(phase) for phase in recipe],
        curve=curve,
        measured=measured,
        minutes=minutes,
    )
    return measured


def main() -> None:
    """Train, save and describe the bundled model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--smoke", action="store_true", help="20 seconds instead of the recipe")
    options = parser.parse_args()
    recipe = SMOKE_RECIPE if options.smoke else FULL_RECIPE
    per_step_count, held_out = (2_000, 60) if options.smoke else (100_000, 1_800)
    started = time.monotonic()
    model, curve = train(recipe, seed=options.seed, per_step_count=per_step_count)
    measured = finish(
        model,
        curve,
        options.out,
        recipe=recipe,
        seed=options.seed,
        per_step_count=per_step_count,
        held_out=held_out,
        minutes=(time.monotonic() - started) / 60,
    )
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
