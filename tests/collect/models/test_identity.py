"""A model's id covers what decides its output; stores of earlier versions keep theirs."""

import json
from dataclasses import replace

import pytest
import torch

from collect.models import recorded
from collect.models.checkpoints import load_model, model_row
from collect.models.recorded import STANDS_FOR, known_in, record_model
from store import shards
from store.layout import create_store
from tests.collect.models.checkpoint_files import (
    published_codi,
    write_base,
    write_coconut,
    write_codi,
    write_plain,
)

torch.set_num_threads(1)


def altered(folder, name, **changes):
    path = folder / name
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(content | changes))


def plain(folder, family="gpt2"):
    write_plain(folder, family)
    return folder


@pytest.mark.parametrize(
    ("family", "name", "changes"),
    [
        ("gpt2", "config.json", {"n_head": 4}),
        ("gpt2", "config.json", {"layer_norm_epsilon": 1e-3}),
        ("gpt2", "config.json", {"activation_function": "relu"}),
        ("gpt2", "config.json", {"scale_attn_weights": False}),
        (
            "llama",
            "config.json",
            {"rope_parameters": {"rope_theta": 500.0, "rope_type": "default"}},
        ),
        ("llama", "config.json", {"rms_norm_eps": 1e-3}),
        ("llama", "config.json", {"hidden_act": "relu"}),
        ("gpt2", "config.json", {"eos_token_id": 3}),
        ("gpt2", "tokenizer_config.json", {"chat_template": "{{ messages[0].content }}!"}),
        ("gpt2", "tokenizer_config.json", {"pad_token": "<eos>"}),
    ],
)
def test_whatever_decides_the_output_is_part_of_the_id(tmp_path, family, name, changes):
    folder = plain(tmp_path / "m", family)
    before = load_model(folder)
    altered(folder, name, **changes)
    after = load_model(folder)
    assert before.model_id != after.model_id
    # The id of earlier versions did not tell the two apart.
    assert before.earlier_id == after.earlier_id


@pytest.mark.parametrize(
    "changes",
    [
        {"transformers_version": "9.9"},
        {"initializer_range": 0.5},
        {"use_cache": False},
        {"attn_pdrop": 0.3},
        {"architectures": None},
        {"dtype": "bfloat16"},
    ],
)
def test_what_decides_no_output_is_no_part_of_it(tmp_path, changes):
    folder = plain(tmp_path / "m")
    before = load_model(folder).model_id
    altered(folder, "config.json", **changes)
    assert load_model(folder).model_id == before


def test_a_chat_template_in_a_file_of_its_own_counts(tmp_path):
    folder = plain(tmp_path / "m")
    before = load_model(folder).model_id
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }}")
    model = load_model(folder)
    assert model.tokenizer.chat_template == "{{ messages[0].content }}"
    assert model.model_id != before


def test_dtype_and_file_format_are_no_part_of_the_id(tmp_path):
    base = write_base(tmp_path / "base", tied=False)
    published = published_codi(base)
    folders = [write_codi(tmp_path / form, published, form=form) for form in ("bin", "safetensors")]
    ids = {load_model(folder, base=base).model_id for folder in folders}
    ids.add(load_model(folders[0], base=base, dtype="bfloat16").model_id)
    assert len(ids) == 1


def test_the_scale_of_a_lora_and_its_base_count(tmp_path):
    base, other = (write_base(tmp_path / name) for name in ("base", "other"))
    altered(other, "config.json", n_head=4)
    folder = write_codi(tmp_path / "codi", published_codi(base))
    models = [
        load_model(folder, base=base),
        load_model(folder, base=base, lora_alpha=16),
        load_model(folder, base=other),
    ]
    assert len({model.model_id for model in models}) == 3
    assert [model.facts["lora_alpha"] for model in models] == [32.0, 16.0, 32.0]
    assert [model.facts["base"] for model in models] == ["base", "base", "other"]
    # A checkpoint without a LoRA has no scale to tell apart.
    whole = write_codi(tmp_path / "whole", published_codi(base, rank=None))
    one, two = load_model(whole, base=base), load_model(whole, base=base, lora_alpha=16)
    assert one.model_id == two.model_id
    assert "lora_alpha" not in one.facts


def test_a_coconut_has_the_id_of_its_tensors_and_base(tmp_path):
    base, other = (write_base(tmp_path / name) for name in ("base", "other"))
    altered(other, "config.json", layer_norm_epsilon=0.1)
    write_coconut(tmp_path / "coconut", base)
    one, two = (load_model(tmp_path / "coconut", base=each) for each in (base, other))
    assert one.family == "coconut"
    assert one.model_id != two.model_id


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_named_weight_file_is_the_one_that_is_loaded(tmp_path, family):
    folder = plain(tmp_path / "m", family)
    lm = write_plain(tmp_path / "other", family, seed=1)
    (tmp_path / "other" / "model.safetensors").rename(folder / "step_200.safetensors")
    torch.save(lm.state_dict(), folder / "step_200.bin")
    usual = load_model(folder)
    named = [load_model(folder / f"step_200.{form}") for form in ("safetensors", "bin")]
    for model in named:
        for name, tensor in lm.state_dict().items():
            assert torch.equal(model.lm.state_dict()[name], tensor), name
        assert model.model_id != usual.model_id
        assert model.earlier_id != usual.earlier_id


@pytest.fixture
def folder(tmp_path):
    return plain(tmp_path / "m")


@pytest.fixture
def root(tmp_path):
    return create_store(tmp_path / "store")


def as_earlier_versions_wrote(root, model, **fields):
    row = model_row(model) | {"model_id": model.earlier_id} | fields
    shards.append(root, "models", [row])


def facts(root, model_id):
    rows = shards.committed(root, "model_facts", where={"model_id": [model_id]}).to_pylist()
    return {row["fact"]: row["value"] for row in rows}


def test_a_new_store_knows_a_model_by_what_it_is(root, folder):
    model = known_in(root, load_model(folder))
    assert record_model(root, model) == model.own_id == model.model_id
    assert record_model(root, known_in(root, model)) == model.own_id
    said = facts(root, model.own_id)
    assert json.loads(said["config"])["n_head"] == 2
    assert json.loads(said["weight_files"]).keys() == {"model.safetensors"}
    assert STANDS_FOR not in said
    assert "not_known" not in said
    assert shards.committed(root, "models").num_rows == 1


def test_rows_of_an_earlier_version_are_gone_on_with(root, folder):
    model = load_model(folder)
    as_earlier_versions_wrote(root, model)
    known = known_in(root, model)
    assert known.model_id == model.earlier_id != model.own_id
    assert record_model(root, known) == model.earlier_id
    said = facts(root, model.earlier_id)
    assert said[STANDS_FOR] == model.own_id
    assert said["not_known"] == recorded.NOT_KNOWN
    assert shards.committed(root, "models")["model_id"].to_pylist() == [model.earlier_id]
    # And again, whatever has been recorded meanwhile.
    assert known_in(root, load_model(folder)).model_id == model.earlier_id


def test_another_model_with_the_same_files_is_not_taken_for_it(root, folder):
    first = load_model(folder)
    as_earlier_versions_wrote(root, first)
    record_model(root, known_in(root, first))
    altered(folder, "config.json", n_head=4)
    other = load_model(folder)
    assert other.earlier_id == first.earlier_id
    assert known_in(root, other).model_id == other.own_id
    record_model(root, known_in(root, other))
    assert known_in(root, first).model_id == first.earlier_id


@pytest.mark.parametrize("name", ["n_layer", "d_model", "n_latent"])
def test_a_model_of_another_shape_does_not_go_on_with_earlier_rows(root, folder, name):
    model = load_model(folder)
    as_earlier_versions_wrote(root, model, **{name: 77})
    assert known_in(root, model).model_id == model.own_id


def test_a_row_without_a_shape_fits(root, folder):
    model = load_model(folder)
    as_earlier_versions_wrote(root, model, n_layer=None)
    assert known_in(root, model).model_id == model.earlier_id


def test_a_model_that_has_its_own_id_in_the_store_keeps_it(root, folder):
    model = load_model(folder)
    record_model(root, model)
    as_earlier_versions_wrote(root, model)
    assert known_in(root, model).model_id == model.own_id


def test_a_model_that_no_earlier_version_could_load_has_its_own_id(root, folder):
    model = replace(load_model(folder), earlier_id=None)
    assert known_in(root, model) is model
