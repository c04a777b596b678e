"""Tiny random checkpoints in the formats in which people publish them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

from collect.bundled.recipe import BOT, EOS, EOT, PAD, build_tokenizer

LORA_TARGETS = {
    "gpt2": ["c_attn", "c_proj", "c_fc"],
    "llama": ["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj", "gate_proj"],
}
D_MODEL, N_LAYER = 16, 2


def base_tokenizer() -> Tokenizer:
    """The bundled tokenizer without the three tokens that CODI adds."""
    described = json.loads(build_tokenizer().to_str())
    extra = {PAD, BOT, EOT}
    kept = [token for token in described["added_tokens"] if token["content"] not in extra]
    described["added_tokens"] = kept
    for token in extra:
        described["model"]["vocab"].pop(token)
    return Tokenizer.from_str(json.dumps(described))


def base_config(family: str, vocab_size: int, *, tied: bool = True) -> Any:
    """A model of two layers of width 16."""
    shape: dict[str, Any] = {
        "bos_token_id": None,
        "eos_token_id": vocab_size - 1,
        "tie_word_embeddings": tied,
    }
    if family == "gpt2":
        return GPT2Config(
            vocab_size=vocab_size,
            n_embd=D_MODEL,
            n_layer=N_LAYER,
            n_head=2,
            n_positions=128,
            resid_pdrop=0,
            embd_pdrop=0,
            attn_pdrop=0,
            **shape,
        )
    return LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=D_MODEL,
        intermediate_size=24,
        num_hidden_layers=N_LAYER,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        **shape,
    )


def write_base(folder: Path, family: str = "gpt2", *, tied: bool = True) -> Path:
    """Configuration and tokenizer of a base model; no weights, none are needed."""
    folder.mkdir(parents=True)
    tokenizer = base_tokenizer()
    config = base_config(family, tokenizer.get_vocab_size(), tied=tied)
    config.eos_token_id = tokenizer.token_to_id(EOS)
    (folder / "config.json").write_text(config.to_json_string(use_diff=False))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


class PublishedCodi(nn.Module):
    """The authors' module: a language model that peft may wrap, and a projection."""

    def __init__(
        self, base: Path, *, rank: int | None, alpha: int, width: int, layer_norm: bool
    ) -> None:
        super().__init__()
        described = json.loads((base / "config.json").read_text())
        family = described["model_type"]
        vocab_size = described["vocab_size"]
        config = base_config(family, vocab_size, tied=described["tie_word_embeddings"])
        self.codi = AutoModelForCausalLM.from_config(config)
        self.codi.resize_token_embeddings(vocab_size + 3, mean_resizing=False)
        if rank is not None:
            self.codi = self._wrapped(family, rank, alpha)
        self.prj = nn.Sequential(
            nn.Dropout(0.0), nn.Linear(D_MODEL, width), nn.GELU(), nn.Linear(width, D_MODEL)
        )
        if layer_norm:
            self.prj.add_module("ln", nn.LayerNorm(D_MODEL))

    def _wrapped(self, family: str, rank: int, alpha: int) -> Any:
        from peft import LoraConfig, TaskType, get_peft_model

        config = LoraConfig(
            task_type=TaskType.CAUSAL_LM,
            r=rank,
            lora_alpha=alpha,
            target_modules=LORA_TARGETS[family],
            fan_in_fan_out=family == "gpt2",
            lora_dropout=0.1,
        )
        with warnings.catch_warnings():
            # peft asks transformers for a name that transformers has deprecated.
            warnings.simplefilter("ignore", FutureWarning)
            return get_peft_model(self.codi, config)


def published_codi(
    base: Path,
    *,
    rank: int | None = 4,
    alpha: int = 32,
    width: int = 24,
    layer_norm: bool = True,
    seed: int = 0,
) -> PublishedCodi:
    """A random model whose every weight matters: LoRA's B and all biases are not zero."""
    torch.manual_seed(seed)
    model = PublishedCodi(base, rank=rank, alpha=alpha, width=width, layer_norm=layer_norm)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def write_codi(folder: Path, model: nn.Module, *, form: str = "bin") -> Path:
    """Save a published CODI: `bin` as the trainer did, or `safetensors` without tied copies."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = model.state_dict()
    if form == "bin":
        torch.save(tensors, folder / "pytorch_model.bin")
        return folder
    seen: set[int] = set()
    unique = {}
    for name, tensor in tensors.items():
        if tensor.data_ptr() not in seen:
            seen.add(tensor.data_ptr())
            unique[name] = tensor.contiguous()
    save_file(unique, folder / "model.safetensors")
    return folder


def write_coconut(folder: Path, base: Path, *, wrapped: bool = True, seed: int = 0) -> Any:
    """A Coconut checkpoint over a base, as the authors' wrapper saves it; returns the model."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    vocab_size = json.loads((base / "config.json").read_text())["vocab_size"]
    lm = AutoModelForCausalLM.from_config(base_config("gpt2", vocab_size + 3)).eval()
    tensors = lm.state_dict()
    if wrapped:
        tensors = {f"base_causallm.{name}": tensor for name, tensor in tensors.items()}
        tensors["embedding.weight"] = lm.get_input_embeddings().weight.detach()
    torch.save(tensors, folder / "pytorch_model.bin")
    return lm


def write_plain(folder: Path, family: str = "gpt2", seed: int = 0) -> Any:
    """A plain language model as transformers saves it; returns the model."""
    torch.manual_seed(seed)
    tokenizer = base_tokenizer()
    config = base_config(family, tokenizer.get_vocab_size())
    config.eos_token_id = tokenizer.token_to_id(EOS)
    lm = AutoModelForCausalLM.from_config(config).eval()
    lm.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return lm
