"""The bundled model before training: its tokenizer, its shape and its training data."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from collect.problems.arithmetic import MAX_STEPS, problems, vocabulary

EOS, PAD, BOT, EOT = "<eos>", "<pad>", "<bot>", "<eot>"
N_LATENT = 6
PROJECTION_WIDTH = 256
IGNORED = -100  # the label that cross entropy skips


def build_tokenizer() -> Tokenizer:
    """One token per word, one per digit; pad, bot and eot come last, as in a CODI vocabulary."""
    words = [*vocabulary(), EOS, PAD, BOT, EOT]
    tokenizer = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(words)}, unk_token=EOS)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(individual_digits=True)]
    )
    tokenizer.add_special_tokens([EOS, PAD, BOT, EOT])
    # Digits of one number are written together again, all else apart.
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace(Regex("^(?=[^0-9])"), " "),
            decoders.Replace(Regex("(?<=[^0-9 ])$"), " "),
            decoders.Fuse(),
            decoders.Replace(Regex(" +"), " "),
            decoders.Strip(" ", 1, 1),
        ]
    )
    return tokenizer


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """Id of a token that the tokenizer must know."""
    token_index = tokenizer.token_to_id(token)
    assert token_index is not None, f"the tokenizer has no {token}"
    return int(token_index)


def build_config(tokenizer: Tokenizer) -> GPT2Config:
    """GPT-2 with 4 layers of width 128 and 4 heads, without dropout."""
    return GPT2Config(
        vocab_size=tokenizer.get_vocab_size(),
        n_positions=128,
        n_embd=128,
        n_layer=4,
        n_head=4,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=token_id(tokenizer, EOS),
        eos_token_id=token_id(tokenizer, EOS),
        pad_token_id=token_id(tokenizer, PAD),
    )


class CodiForTraining(nn.Module):
    """The language model and the projection, named as CODI checkpoints name their tensors."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.codi = GPT2LMHeadModel._from_config(config, attn_implementation="eager")
        # Index 0 is dropout in the published layout, so that the linear maps are 1 and 3.
        self.prj = nn.Sequential(
            nn.Dropout(0.0),
            nn.Linear(config.n_embd, PROJECTION_WIDTH),
            nn.GELU(),
            nn.Linear(PROJECTION_WIDTH, config.n_embd),
        )
        self.prj.add_module("ln", nn.LayerNorm(config.n_embd))


@dataclass(frozen=True)
class Examples:
    """Token ids of all training problems of one number of steps, each [n, length].

    Questions are padded on the left; chains and answers on the right.
    """

    question: torch.Tensor
    question_mask: torch.Tensor
    chain: torch.Tensor
    chain_length: torch.Tensor
    answer: torch.Tensor
    answer_labels: torch.Tensor

    def take(self, rows: torch.Tensor) -> Examples:
        """The given rows."""
        return Examples(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def _padded(rows: list[list[int]], pad: int, *, left: bool) -> tuple[torch.Tensor, torch.Tensor]:
    length = max(1, *map(len, rows))
    ids = np.full((len(rows), length), pad, dtype=np.int64)
    mask = np.zeros((len(rows), length), dtype=np.int64)
    for i, row in enumerate(rows):
        place = slice(length - len(row), length) if left else slice(0, len(row))
        ids[i, place], mask[i, place] = row, 1
    return torch.from_numpy(ids), torch.from_numpy(mask)


def training_examples(tokenizer: Tokenizer, *, seed: int, per_step_count: int) -> list[Examples]:
    """`per_step_count` training problems for each number of steps 1..4, tokenized."""
    pad, eos = token_id(tokenizer, PAD), token_id(tokenizer, EOS)
    examples = []
    for n_steps in range(1, MAX_STEPS + 1):
        source = problems(seed=seed, n_steps=n_steps, split="train")
        drawn = list(itertools.islice(source, per_step_count))
        questions, chains, answers = (
            [encoding.ids for encoding in tokenizer.encode_batch(texts)]
            for texts in (
                [problem.question for problem in drawn],
                [problem.chain for problem in drawn],
                [f": {problem.answer}" for problem in drawn],
            )
        )
        question, question_mask = _padded(questions, pad, left=True)
        chain, chain_mask = _padded(chains, pad, left=False)
        answer, answer_mask = _padded([[*ids, eos] for ids in answers], pad, left=False)
        labels = answer.masked_fill(answer_mask == 0, IGNORED)
        examples.append(Examples(question, question_mask, chain, chain_mask.sum(1), answer, labels))
    return examples


def concatenate(parts: list[Examples]) -> Examples:
    """Stack examples of different lengths: questions aligned right, all else left."""
    fields: dict[str, torch.Tensor] = {}
    for name in Examples.__dataclass_fields__:
        tensors = [getattr(part, name) for part in parts]
        if tensors[0].dim() == 1:
            fields[name] = torch.cat(tensors)
            continue
        length = max(tensor.shape[1] for tensor in tensors)
        fill = IGNORED if name == "answer_labels" else 0
        left = name.startswith("question")
        fields[name] = torch.cat(
            [
                nn.functional.pad(
                    tensor,
                    (length - tensor.shape[1], 0) if left else (0, length - tensor.shape[1]),
                    value=fill,
                )
                for tensor in tensors
            ]
        )
    longest = int(fields["question_mask"].sum(1).max())
    fields["question"] = fields["question"][:, -longest:]
    fields["question_mask"] = fields["question_mask"][:, -longest:]
    return Examples(**fields)
