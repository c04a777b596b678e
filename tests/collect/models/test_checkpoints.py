"""Checkpoints in their published forms load to the very model, or are refused by name."""

import pickle
import re
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from collect.bundled.recipe import CodiForTraining, build_config, build_tokenizer
from collect.bundled.save import save_checkpoint
from collect.models.checkpoints import load_model, model_row
from sql.errors import UserError
from tests.collect.models.checkpoint_files import (
    D_MODEL,
    N_LAYER,
    published_codi,
    write_base,
    write_coconut,
    write_codi,
    write_plain,
)

torch.set_num_threads(1)
QUESTION = "Tom has 12 apples . Tom buys 3 more . How many apples are there now ?"


def logits(lm, ids):
    with torch.inference_mode():
        return lm(ids).logits


def codi_folder(tmp_path, family="gpt2", *, form="bin", tied=True, **options):
    base = write_base(tmp_path / "base", family, tied=tied)
    model = published_codi(base, **options)
    return base, model, write_codi(tmp_path / "codi", model, form=form)


@pytest.mark.parametrize("form", ["bin", "safetensors"])
@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("gpt2", {}),
        ("gpt2", {"rank": 3, "alpha": 8, "width": 40}),
        ("gpt2", {"rank": None, "layer_norm": False}),
        ("llama", {}),
        ("llama", {"tied": False}),
        ("llama", {"rank": None}),
    ],
)
def test_published_codi_computes_what_peft_computes(tmp_path, family, form, options):
    base, published, folder = codi_folder(tmp_path, family, form=form, **options)
    model = load_model(folder, base=base, lora_alpha=options.get("alpha", 32))
    assert (model.family, model.n_latent, model.n_layer) == ("codi", 6, N_LAYER)
    assert model.d_model == D_MODEL
    ids = torch.randint(0, model.vocab_size, (3, 9), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        logits(model.lm, ids), logits(published.codi, ids), rtol=1e-4, atol=1e-4
    )
    states = torch.randn(5, D_MODEL)
    assert model.projection is not None
    torch.testing.assert_close(model.projection(states), published.prj(states))
    base_size = model.tokenizer.vocab_size
    assert (model.pad_id, model.bot_id, model.eot_id) == tuple(base_size + i for i in range(3))
    assert model.vocab_size == base_size + 3
    assert model.tokenizer.decode([model.eos_id]) == "<eos>"
    assert not any(parameter.requires_grad for parameter in model.lm.parameters())


def test_special_tokens_are_named_where_there_are_more_than_three(tmp_path):
    base, published, _ = codi_folder(tmp_path)
    usual = load_model(tmp_path / "codi", base=base)
    published.codi.resize_token_embeddings(usual.vocab_size + 2, mean_resizing=False)
    folder = write_codi(tmp_path / "five", published)
    n = usual.tokenizer.vocab_size
    with pytest.raises(
        UserError, match=rf"--pad-id, --bot-id and --eot-id \({n}, {n + 1}, {n + 2}"
    ):
        load_model(folder, base=base)
    named = load_model(folder, base=base, pad_id=n, bot_id=n + 1, eot_id=n + 2)
    assert (named.pad_id, named.bot_id, named.eot_id) == (n, n + 1, n + 2)
    assert named.vocab_size == n + 5
    swapped = load_model(folder, base=base, pad_id=n, bot_id=n + 2, eot_id=n + 1)
    assert (swapped.bot_id, swapped.eot_id) == (n + 2, n + 1)
    assert swapped.model_id != named.model_id  # another model asks otherwise
    for ids, message in (
        ((n, n + 1, n + 5), f"special tokens {n}, {n + 1}, {n + 5} of {n + 5} tokens"),
        ((n, n, n + 1), "three ids from 0"),
        ((-1, n, n + 1), "three ids from 0"),
        ((n, n + 1, None), "give all three"),
    ):
        with pytest.raises(UserError, match=message):
            load_model(folder, base=base, **dict(zip(IDS, ids, strict=True)))


IDS = ("pad_id", "bot_id", "eot_id")


def test_special_tokens_of_what_has_none_are_refused(tmp_path):
    ids: dict[str, Any] = dict(zip(IDS, (1, 2, 3), strict=True))
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    with pytest.raises(UserError, match="is a GGUF file"):
        load_model(tmp_path / "x.gguf", **ids)
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    save_file({"base_model.model.x.lora_A.weight": torch.ones(1, 1)},
              adapter / "adapter_model.safetensors")  # fmt: skip
    with pytest.raises(UserError, match="CODI's; adapter is an adapter"):
        load_model(adapter, base=write_base(tmp_path / "base"), **ids)


def test_lora_alpha_is_part_of_the_model(tmp_path):
    base, _, folder = codi_folder(tmp_path)
    usual, other = load_model(folder, base=base), load_model(folder, base=base, lora_alpha=16)
    ids = torch.arange(8)[None]
    assert not torch.allclose(logits(usual.lm, ids), logits(other.lm, ids), atol=1e-3)
    assert model_row(usual)["model_id"] != model_row(other)["model_id"]


def test_hashes_and_row(tmp_path):
    import hashlib

    base, _, folder = codi_folder(tmp_path)
    model = load_model(folder, base=base)
    row = model_row(model)
    content = (folder / "pytorch_model.bin").read_bytes()
    files = {"pytorch_model.bin": hashlib.sha256(content).hexdigest()}
    assert model.facts["weight_files"] == files
    tokenizer = (base / "tokenizer.json").read_bytes()
    assert model.facts["tokenizer"] == hashlib.sha256(tokenizer).hexdigest()
    assert model.facts["tokenizer_files"] == {"tokenizer.json": model.facts["tokenizer"]}
    assert {len(row[name]) for name in ("weights_sha256", "tokenizer_sha256")} == {64}
    assert (row["name"], row["family"], row["n_latent"]) == ("codi", "codi", 6)


def test_bundled_layout(tmp_path):
    torch.manual_seed(0)
    tokenizer = build_tokenizer()
    trained = CodiForTraining(build_config(tokenizer)).eval()
    save_checkpoint(trained, tokenizer, tmp_path / "model")
    model = load_model(tmp_path / "model")
    assert (model.family, model.n_latent, model.d_model, model.n_layer) == ("codi", 6, 128, 4)
    ids = model.tokenizer(QUESTION, return_tensors="pt")["input_ids"]
    assert ids[0].tolist() == tokenizer.encode(QUESTION).ids
    torch.testing.assert_close(
        logits(model.lm, ids), logits(trained.codi, ids), rtol=1e-2, atol=1e-2
    )
    names = [
        tokenizer.id_to_token(i)
        for i in (model.pad_id, model.bot_id, model.eot_id)
        if i is not None
    ]
    assert names == ["<pad>", "<bot>", "<eot>"]
    half = load_model(tmp_path / "model", dtype="bfloat16")
    assert {p.dtype for p in half.lm.parameters()} == {torch.bfloat16} == {half.dtype}


def _altered(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


ATTENTION = "codi.base_model.model.transformer.h.0.attn.c_attn"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("prj.3.bias"), "missing: prj.3.bias"),
        (lambda t: t.pop("prj.1.weight"), "missing: prj.1.weight"),
        (lambda t: t.pop("prj.ln.bias"), "missing: prj.ln.bias"),
        (
            lambda t: t.pop("codi.base_model.model.transformer.ln_f.weight"),
            "missing: codi.base_model.model.transformer.ln_f.weight",
        ),
        (lambda t: t.pop(f"{ATTENTION}.lora_B.default.weight"), "c_attn has no lora_B"),
        (lambda t: t.pop(f"{ATTENTION}.base_layer.weight"), "c_attn has no base_layer"),
        (lambda t: t.update({"codi.extra": torch.ones(1)}), "left over: .*extra"),
        (lambda t: t.update({"other": torch.ones(1)}), "other is left over"),
        (lambda t: t.update({"prj.5.weight": torch.ones(1)}), "left over: prj.5.weight"),
        (
            lambda t: t.update({f"{ATTENTION}.lora_B.default.weight": torch.ones(5, 4)}),
            "wrong shape: transformer.h.0.attn.c_attn has lora_A",
        ),
        (lambda t: t.update({"prj.3.bias": torch.ones(5)}), r"wrong shape: prj.3.bias \[5\]"),
        (lambda t: t.update({"prj.1.weight": torch.ones(4, 5)}), "wrong shape: prj.1.weight"),
        (lambda t: t["prj.3.bias"].fill_(torch.nan), "prj.3.bias holds NaN"),
        (
            lambda t: t.update(
                {"codi.base_model.model.transformer.wte.weight": torch.ones(90, 16)}
            ),
            "vocabulary has 90 tokens, 85",
        ),
        (
            lambda t: t.update({"codi.base_model.model.lm_head.weight": torch.ones(85, 16)}),
            "differ, but the configuration ties them",
        ),
    ],
)
def test_every_tensor_is_accounted_for(tmp_path, change, message):
    base, _, folder = codi_folder(tmp_path, form="safetensors")
    _altered(folder, change)
    with pytest.raises(UserError, match=message) as caught:
        load_model(folder, base=base)
    assert "\n" not in str(caught.value)


def test_a_tokenizer_is_what_its_file_says_whatever_class_wrote_it(tmp_path, capfd):
    import json

    base, _, folder = codi_folder(tmp_path)
    before = load_model(folder, base=base).tokenizer
    described = {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True, "auto_map": {}}
    described |= {"eos_token": "<eos>", "chat_template": "{{ messages[0]['content'] }}"}
    (base / "tokenizer_config.json").write_text(json.dumps(described))
    after = load_model(folder, base=base).tokenizer
    assert after(QUESTION)["input_ids"] == before(QUESTION)["input_ids"]
    assert (after.eos_token, after.chat_template) == ("<eos>", described["chat_template"])
    assert capfd.readouterr().err == ""


def test_constants_of_old_versions_are_known(tmp_path):
    base, _, folder = codi_folder(tmp_path, form="safetensors")
    mask = "codi.base_model.model.transformer.h.0.attn"
    old = {f"{mask}.bias": torch.ones(1, 1, 8, 8), f"{mask}.masked_bias": torch.tensor(-1e4)}
    _altered(folder, lambda tensors: tensors.update(old))
    assert load_model(folder, base=base).family == "codi"


class Planted:
    def __reduce__(self):
        return (print, ("code ran",))


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, capsys, legacy):
    base, _, folder = codi_folder(tmp_path)
    path = folder / "pytorch_model.bin"
    if legacy:
        path.write_bytes(pickle.dumps({"codi.a": Planted()}))
    else:
        torch.save({"codi.a": Planted()}, path)
    with pytest.raises(UserError, match=r"is refused: .* could run code") as caught:
        load_model(folder, base=base)
    assert "\n" not in str(caught.value)
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pytorch_model.bin", b"PK\x03\x04 torn"),
        ("pytorch_model.bin", b""),
        ("model.safetensors", b"\x10\x00\x00\x00\x00\x00\x00\x00{torn"),
        ("model.safetensors", b""),
    ],
)
def test_damaged_weights(tmp_path, name, content):
    base = write_base(tmp_path / "base")
    folder = tmp_path / "codi"
    folder.mkdir()
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=re.escape(name) + " is damaged") as caught:
        load_model(folder, base=base)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_in_parts(tmp_path):
    base, published, folder = codi_folder(tmp_path, form="safetensors")
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    parts = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for file, held in parts.items():
        save_file({name: tensors[name] for name in held}, folder / file)
    index = folder / "model.safetensors.index.json"
    listed = {name: file for file, held in parts.items() for name in held}

    def write(weight_map):
        import json

        index.write_text(json.dumps({"weight_map": weight_map}))

    write(listed)
    ids = torch.arange(6)[None]
    loaded = logits(load_model(folder, base=base).lm, ids)
    torch.testing.assert_close(loaded, logits(published.codi, ids), rtol=1e-4, atol=1e-4)
    write({**listed, "more": "../../elsewhere.safetensors"})
    with pytest.raises(UserError, match="outside its folder"):
        load_model(folder, base=base)
    write({**listed, "more": "model-3.safetensors"})
    with pytest.raises(UserError, match=r"names model-3.safetensors, which is not there"):
        load_model(folder, base=base)


@pytest.mark.parametrize("wrapped", [True, False])
def test_coconut(tmp_path, wrapped):
    base = write_base(tmp_path / "base")
    lm = write_coconut(tmp_path / "coconut", base, wrapped=wrapped)
    if not wrapped:  # without the wrapper's names, the tokenizer says what it is
        import json

        tokenizer = json.loads((base / "tokenizer.json").read_text())
        for i, token in enumerate(("<|start-latent|>", "<|end-latent|>", "<|latent|>")):
            flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
            tokenizer["added_tokens"].append(
                {"id": 82 + i, "content": token, "special": False, **flags}
            )
        (base / "tokenizer.json").write_text(json.dumps(tokenizer))
    model = load_model(tmp_path / "coconut", base=base)
    assert (model.family, model.projection, model.n_latent) == ("coconut", None, 6)
    assert (model.bot_id, model.eot_id) == (82, 83)
    ids = torch.arange(9)[None]
    torch.testing.assert_close(logits(model.lm, ids), logits(lm, ids))


def test_coconut_from_a_file_and_with_a_foreign_tensor(tmp_path):
    base = write_base(tmp_path / "base")
    write_coconut(tmp_path, base)
    (tmp_path / "pytorch_model.bin").rename(tmp_path / "checkpoint_33")
    assert load_model(tmp_path / "checkpoint_33", base=base).name == "checkpoint_33"
    tensors = torch.load(tmp_path / "checkpoint_33", weights_only=True)
    torch.save({**tensors, "embedding.weight": torch.ones(85, 16)}, tmp_path / "checkpoint_33")
    with pytest.raises(UserError, match=r"embedding.weight and .* differ"):
        load_model(tmp_path / "checkpoint_33", base=base)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_plain(tmp_path, family):
    lm = write_plain(tmp_path / "plain", family)
    model = load_model(tmp_path / "plain")
    assert (model.family, model.n_latent, model.bot_id, model.projection) == (
        "plain",
        0,
        None,
        None,
    )
    ids = torch.arange(9)[None]
    torch.testing.assert_close(logits(model.lm, ids), logits(lm, ids))
    _altered(tmp_path / "plain", lambda tensors: tensors.update(extra=torch.ones(1)))
    with pytest.raises(UserError, match="left over: extra"):
        load_model(tmp_path / "plain")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/no/such/folder", "no model at"),
        ("./here", "no model at"),
        ("a/b/c", "no model at"),
        ("../up", "no model at"),
        ("x; rm -rf", "no model at"),
        ("owner/..", "no model at"),
        ("tests/nothing", "the folder tests has no nothing"),
    ],
)
def test_hostile_or_missing_names_never_reach_the_hub(name, message, monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *a, **k: pytest.fail("asked"))
    with pytest.raises(UserError, match=message):
        load_model(name)


def test_hub_ids_fetch_no_code_and_weights_only_where_needed(tmp_path, monkeypatch):
    import huggingface_hub

    base, _, folder = codi_folder(tmp_path)
    asked = []

    def snapshot(repo_id, *, allow_patterns):
        asked.append((repo_id, allow_patterns))
        return str({"someone/codi-gpt2": folder, "someone/gpt2": base}[repo_id])

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert load_model("someone/codi-gpt2", base="someone/gpt2").name == "someone/codi-gpt2"
    fetched = {pattern for _, patterns in asked for pattern in patterns}
    assert not any(pattern.endswith((".py", "*")) for pattern in fetched)
    of_base = [patterns for repo_id, patterns in asked if repo_id == "someone/gpt2"]
    assert not any(pattern.endswith((".bin", ".safetensors")) for pattern in of_base[0])


def test_a_hub_that_does_not_answer_is_one_line(monkeypatch):
    import huggingface_hub

    def snapshot(*args, **kwargs):
        raise OSError("no route\nto host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    with pytest.raises(UserError, match=r"'someone/codi' is no folder here, .*no route$"):
        load_model("someone/codi")


def test_other_refusals(tmp_path):
    base, _, folder = codi_folder(tmp_path)
    with pytest.raises(UserError, match="--base gpt2"):
        load_model(folder)
    with pytest.raises(UserError, match="unknown dtype 'int8'"):
        load_model(folder, base=base, dtype="int8")
    with pytest.raises(UserError, match="device 'abacus'"):
        load_model(folder, base=base, device="abacus")
    with pytest.raises(UserError, match="holds no weights"):
        load_model(base)
    (base / "tokenizer.json").write_text("{")
    with pytest.raises(UserError, match=r"tokenizer in .* is damaged"):
        load_model(folder, base=base)
    (base / "config.json").write_text("[]")
    with pytest.raises(UserError, match=r"config.json is damaged"):
        load_model(folder, base=base)
