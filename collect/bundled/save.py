"""Write a trained bundled model in the layout of a CODI checkpoint directory, with its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from collect.bundled.recipe import N_LATENT, PROJECTION_WIDTH, CodiForTraining
from store.layout import whole_file, write_atomically

TIED = "codi.lm_head.weight"  # the embedding again, which the loader ties


def save_checkpoint(model: CodiForTraining, tokenizer: Tokenizer, folder: Path) -> int:
    """Write weights (fp16), configuration and tokenizer; return the bytes of the weights.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.to(torch.float16).contiguous()
        for name, tensor in model.state_dict().items()
        if name != TIED
    }
    with whole_file(folder / "model.safetensors") as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})
    config = model.codi.config.to_dict()
    config["architectures"] = ["GPT2LMHeadModel"]
    config["codi"] = {
        "n_latent": N_LATENT,
        "projection_width": PROJECTION_WIDTH,
        "projection_layer_norm": True,
    }
    text = json.dumps(config, indent=2, sort_keys=True)
    write_atomically(folder / "config.json", f"{text}\n".encode())
    with whole_file(folder / "tokenizer.json") as temporary:
        tokenizer.save(str(temporary))
    return (folder / "model.safetensors").stat().st_size


def _accuracy_table(measured: dict[str, dict[str, float]]) -> str:
    columns = ["1", "2", "3", "4", "2+", "overall"]
    head = ["latents", *(f"{c} step{'' if c == '1' else 's'}" for c in columns[:5]), "overall"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, accuracy in measured.items():
        lines.append("| " + " | ".join([name, *(f"{accuracy[c]:.1%}" for c in columns)]) + " |")
    return "\n".join(lines)


def write_card(
    folder: Path,
    *,
    seed: int,
    count: int,
    per_step_count: int,
    phases: list[dict[str, Any]],
    curve: list[dict[str, Any]],
    measured: dict[str, dict[str, float]],
    minutes: float,
) -> None:
    """Write the model card, every number in it measured by this run."""
    last = {row["phase"]: row for row in curve}
    losses = "\n".join(
        f"| {phase['name']} | {phase['steps']} | {phase['learning_rate']:g} "
        f"| {' : '.join(f'{w:g}' for w in phase['first_mix'])} → "
        f"{' : '.join(f'{w:g}' for w in phase['last_mix'])} "
        f"| {last[phase['name']]['teacher']:.4f} | {last[phase['name']]['student']:.4f} "
        f"| {last[phase['name']]['distillation']:.4f} |"
        for phase in phases
    )
    card = f"""# codi-arithmetic: the bundled latent-reasoning model

A GPT-2-architecture CODI model (4 layers, width 128, 4 heads; projection 128 → {PROJECTION_WIDTH}
→ 128 with LayerNorm; {N_LATENT} latent thoughts), trained from random weights on generated
arithmetic word problems. It is plain CODI: no latent is supervised to name an intermediate
result. It exists to run and test steering experiments, and is good for nothing else.

## Data

`collect/problems/arithmetic.py` draws {per_step_count:,} problems for each of 1 to 4 steps: a
running value in 0..99, additions, subtractions and multiplications by operands up to 9, starting
values up to 30, stated last. A problem whose question hashes into bucket 0 of 10 is held out,
always. The teacher reads the worked chain *without its last step*. Words and single digits are
the tokens.

## Losses

Student answer + teacher chain and answer + 10 × smooth-L1 between their hidden states at the
token before the answer (all layers, divided by the teacher's standard deviation, teacher
detached); AdamW (0.9, 0.98), weight decay 0.01, clip 1, batch 64, bf16 autocast. The mix of 1, 2,
3 and 4-step problems moves over the first half of a phase; the last phase decays to zero.

| phase | steps | learning rate | mix | teacher | student | distillation |
|---|---|---|---|---|---|---|
{losses}

Seed {seed}; {minutes:.0f} minutes on two cores. Again: `make train-bundled`.

## Accuracy

On {count:,} held-out problems, none in training, 1 : 1 : 2 : 2 of 1 : 2 : 3 : 4 steps, from the
fp16 weights as shipped; and with the latents replaced.

{_accuracy_table(measured)}

The arithmetic facts of one-step problems are all in training, only their wording is not. Answers
to problems of two or more steps go through the latents, as the last three rows show.
"""
    write_atomically(folder / "README.md", card.encode())
