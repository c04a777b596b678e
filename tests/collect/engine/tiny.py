"""Tiny random models of every family, for tests that compare tokens."""

from __future__ import annotations

import torch
from torch import nn
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from collect.bundled.recipe import BOT, EOS, EOT, PAD, build_tokenizer
from collect.models.model import Model

N_LATENT, WIDTH, LAYERS = 3, 32, 3
QUESTIONS = (
    "Tom keeps apples in a box . Tom finds 3 . How many apples are there now ?",
    "Here are the books of Mia . Mia buys 14 more . How many books does Mia have now ?",
    "Sam keeps coins in a box . How many coins are there now ?",
    "Ana keeps pens in a box . Ana finds 3 . How many pens are there now ?",
)
GOLD = ("8", "18", "7", "8")


def tokenizer():
    fast = build_tokenizer()
    return PreTrainedTokenizerFast(
        tokenizer_object=fast, eos_token=EOS, pad_token=PAD, unk_token=EOS
    )


def _language_model(architecture, vocab, width, layers):
    if architecture == "gpt2":
        small = GPT2Config(
            vocab_size=vocab, n_positions=128, n_embd=width, n_layer=layers, n_head=4,
            initializer_range=0.3,
        )  # fmt: skip
        return GPT2LMHeadModel(small)
    config = LlamaConfig(
        vocab_size=vocab, hidden_size=width, intermediate_size=2 * width,
        num_hidden_layers=layers, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=128, initializer_range=0.3,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def build(
    family="codi", architecture="gpt2", seed=0, width=WIDTH, layers=LAYERS, dtype=torch.float32
):
    """A random model; its answers vary with question and steering."""
    torch.manual_seed(seed)
    words = tokenizer()
    lm = _language_model(architecture, len(words), width, layers).eval().to(dtype)
    projection = None
    if family == "codi":
        projection = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width), nn.LayerNorm(width)
        )
        projection = projection.eval().to(dtype)
    for parameter in lm.parameters():
        parameter.requires_grad_(False)
    ids = words.convert_tokens_to_ids
    return Model(
        name=f"tiny-{architecture}-{family}", family=family, lm=lm, projection=projection,
        tokenizer=words,
        bot_id=None if family == "plain" else ids(BOT),
        eot_id=None if family == "plain" else ids(EOT),
        eos_id=ids(EOS), pad_id=ids(PAD),
        n_latent=0 if family == "plain" else N_LATENT, n_layer=layers, d_model=width,
        device=torch.device("cpu"), dtype=dtype, weights_sha256="0" * 64, tokenizer_sha256="0" * 64,
    )  # fmt: skip
