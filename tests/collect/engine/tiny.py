"""Tiny random models of every family, for tests that compare tokens."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
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


# Configurations of other families: what each has beside a common shape. Rope and norms as they are
# by default; windows and chunks narrower than the questions, so that they cut something.
FAMILIES: dict[str, dict[str, Any]] = {
    "mistral": {"sliding_window": None},
    "mistral-window": {"sliding_window": 7},
    "qwen2": {},
    "qwen2-window": {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 1},
    "qwen3": {"head_dim": 16},
    "gemma": {"head_dim": 8},
    "gemma2": {"head_dim": 8, "sliding_window": 8, "query_pre_attn_scalar": 8},
    "gemma3_text": {"head_dim": 8, "sliding_window": 8, "sliding_window_pattern": 2},
    "phi": {"partial_rotary_factor": 0.5},
    "phi3": {"pad_token_id": 0},
    "gpt_neox": {},
    "gptj": {"rotary_dim": 4},
    "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "bloom": {},
    "falcon": {},
    "falcon-alibi": {"alibi": True},
    "mpt": {"d_model": 32, "n_layers": 3, "n_heads": 4, "expansion_ratio": 2},
    "gpt_bigcode": {"multi_query": True},
    "codegen": {"rotary_dim": 4},
    "stablelm": {},
    "starcoder2": {"sliding_window": 8},
    "olmo": {},
    "olmo2": {},
    "olmoe": {"num_experts": 4, "num_experts_per_tok": 2},
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None},
    "qwen2_moe": {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16},
    "qwen3_moe": {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16},
    "granite": {"logits_scaling": 3.0, "embedding_multiplier": 2.0},
    "cohere": {"logit_scale": 0.25},
    "glm": {"head_dim": 8, "pad_token_id": 0},
    "smollm3": {"pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0},
    "gpt_oss": {"num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 8,
                "sliding_window": 8},
}  # fmt: skip


def family(name, vocab, width=WIDTH, layers=LAYERS):
    """The random language model of one of FAMILIES."""
    kind, _, _ = name.partition("-")
    shape = {
        "vocab_size": vocab, "hidden_size": width, "intermediate_size": 2 * width,
        "num_hidden_layers": layers, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 128, "initializer_range": 0.3,
        "bos_token_id": None, "eos_token_id": None, "pad_token_id": None,
    }  # fmt: skip
    config = AutoConfig.for_model(kind, **(shape | FAMILIES[name]))
    # As a loaded model's: what each implementation means, without a shortcut.
    return AutoModelForCausalLM.from_config(config, attn_implementation="eager")


def _language_model(architecture, vocab, width, layers):
    if architecture in FAMILIES:
        return family(architecture, vocab, width, layers)
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
