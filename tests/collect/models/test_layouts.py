"""Layouts in which people have their checkpoints, and files that are none."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, Qwen2Config

from collect.engine.answers import answer
from collect.engine.paths import path_of
from collect.models.checkpoints import load_model
from sql.errors import UserError
from tests.collect.engine import tiny
from tests.collect.models.checkpoint_files import base_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


def save_plain(folder, kind="qwen2", **changes):
    """A random model saved by transformers, with a tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    words = base_tokenizer()
    words.save(str(folder / "tokenizer.json"))
    shape: Any = {"vocab_size": words.get_vocab_size(), "bos_token_id": None, "eos_token_id": 0}
    if kind == "gpt2":
        config = GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=64, **shape, **changes)
    else:
        config = {"qwen2": Qwen2Config, "llama": LlamaConfig}[kind](
            hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=64, **shape, **changes,
        )  # fmt: skip
    torch.manual_seed(0)
    lm = AutoModelForCausalLM.from_config(config).eval()
    lm.save_pretrained(folder)
    return lm


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_prefixes_of_wrappers_are_no_names(tmp_path, prefix):
    lm = save_plain(tmp_path / "m")
    path = tmp_path / "m/model.safetensors"
    tensors = load_file(path)
    save_file({prefix + name: tensor for name, tensor in tensors.items()}, path)
    loaded = load_model(tmp_path / "m", device="cpu")
    ids = torch.tensor([[3, 1, 4]])
    torch.testing.assert_close(loaded.lm(ids).logits, lm(ids).logits)
    assert path_of(loaded) == "fused"


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("options", [{}, {"use_rslora": True}])
def test_an_adapter_computes_what_peft_computes(tmp_path, kind, options):
    lm = save_plain(tmp_path / "base", kind)
    targets = ["c_attn", "c_proj"] if kind == "gpt2" else ["q_proj", "down_proj"]
    adapted = get_peft_model(
        lm, LoraConfig(r=4, lora_alpha=12, target_modules=targets, fan_in_fan_out=kind == "gpt2",
                       **options)
    )  # fmt: skip
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    adapted.save_pretrained(tmp_path / "adapter")
    loaded = load_model(tmp_path / "adapter", base=tmp_path / "base", device="cpu")
    ids = torch.tensor([[3, 1, 4, 1]])
    with torch.no_grad():
        torch.testing.assert_close(loaded.lm(ids).logits, adapted(ids).logits, rtol=1e-4, atol=1e-5)
    plain = load_model(tmp_path / "base", device="cpu")
    assert loaded.model_id != plain.model_id
    by_file = load_model(
        tmp_path / "adapter/adapter_model.safetensors", base=tmp_path / "base", device="cpu"
    )
    assert by_file.model_id == loaded.model_id


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({}, {"base": None}, "LoRA adapter: give the model"),
        ({}, {"lora_alpha": 5}, "--lora-alpha 5, but"),
        ({"use_dora": True}, {}, "use_dora"),
        ({"bias": "all"}, {}, "bias"),
        ({"peft_type": "IA3"}, {}, "only LORA"),
        ({"lora_alpha": "16"}, {}, "wanted a number"),
    ],
)
def test_an_adapter_is_never_ignored(tmp_path, changes, options, message):
    lm = save_plain(tmp_path / "base", "llama")
    config = LoraConfig(r=2, lora_alpha=16, target_modules=["q_proj"])
    get_peft_model(lm, config).save_pretrained(tmp_path / "adapter")
    path = tmp_path / "adapter/adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(UserError, match=message):
        load_model(tmp_path / "adapter", **{"base": tmp_path / "base", "device": "cpu"} | options)


def test_an_adapter_of_another_base_is_refused(tmp_path):
    lm = save_plain(tmp_path / "base", "llama")
    save_plain(tmp_path / "other", "gpt2")
    config = LoraConfig(r=2, target_modules=["q_proj"])
    get_peft_model(lm, config).save_pretrained(tmp_path / "adapter")
    with pytest.raises(UserError, match="another base"):
        load_model(tmp_path / "adapter", base=tmp_path / "other", device="cpu")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "Git LFS pointer"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
    ],
)
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_what_a_failed_download_leaves_is_called_that(tmp_path, name, content, message):
    save_plain(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_model(tmp_path, device="cpu")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_hidden_layers": 10**15}, "num_hidden_layers 1000000000000000, but"),
        ({"num_hidden_layers": -1}, "num_hidden_layers -1, but"),
        ({"text_config": {"num_experts": 10**15}}, "num_experts"),
        ({"hidden_size": 2**20}, "describes a model of"),
        ({"hidden_act": "no_such"}, "builds no model"),
        ({"num_attention_heads": 0}, "transformers"),
        ({"model_type": "vit"}, "no causal language model"),
        ({"model_type": "no_such"}, "transformers cannot load"),
        ({"eos_token_id": "stop"}, "no token id|transformers cannot load"),
    ],
)
def test_a_configuration_is_not_believed(tmp_path, changes, message):
    save_plain(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(UserError, match=message) as caught:
        load_model(tmp_path, device="cpu")
    assert "\n" not in str(caught.value)


def test_a_configuration_names_no_attention(tmp_path, monkeypatch):
    """One from the hub would be fetched, and run."""
    save_plain(tmp_path)
    path = tmp_path / "config.json"
    changes = {"_attn_implementation": "someone/kernel", "attn_implementation": "someone/kernel"}
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    assert load_model(tmp_path, device="cpu").lm.config._attn_implementation == "sdpa"


def test_every_end_token_that_a_configuration_names_ends_an_answer(tmp_path):
    save_plain(tmp_path)
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, 5, 7]}))
    loaded = load_model(tmp_path, device="cpu")
    assert loaded.ends == (loaded.eos_id, *sorted({0, 5, 7} - {loaded.eos_id}))


def test_an_answer_ends_at_any_of_them():
    model = tiny.build()
    (whole,) = answer(model, tiny.QUESTIONS[0], max_new_tokens=6)
    second = whole.tokens[1]
    assert second != whole.tokens[0]
    ending = dataclasses.replace(model, other_ends=(second,))
    (cut,) = answer(ending, tiny.QUESTIONS[0], max_new_tokens=6)
    assert cut.tokens == whole.tokens[:2]
    assert not cut.truncated
