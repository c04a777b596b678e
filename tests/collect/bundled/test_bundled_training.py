"""The bundled model's training code, run for real on a small recipe, and the shipped model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from collect.bundled import evaluate, recipe, save, train
from collect.models.checkpoints import load_model

SHIPPED = Path(save.__file__).parent / "codi-arithmetic"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, float | str]]]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("checkpoint")
    model, curve = train.train(train.SMOKE_RECIPE, seed=0, per_step_count=500)
    train.finish(
        model,
        curve,
        folder,
        recipe=train.SMOKE_RECIPE,
        seed=0,
        per_step_count=500,
        held_out=24,
        minutes=0.3,
    )
    return folder, curve


@pytest.mark.slow
def test_a_short_training_learns(trained: tuple[Path, list[dict[str, float | str]]]) -> None:
    curve = trained[1]
    codi = [row for row in curve if row["phase"] == "codi"]
    # Forty steps are enough for the distillation to close in, and for the answers to begin to.
    assert float(curve[1]["teacher"]) < 0.6 * float(curve[0]["teacher"])
    assert float(codi[-1]["distillation"]) < 0.5 * float(codi[0]["distillation"])
    assert float(codi[-1]["student"]) < float(codi[0]["student"])


@pytest.mark.slow
def test_what_is_saved_is_a_codi_checkpoint_with_its_card(
    trained: tuple[Path, list[dict[str, float | str]]],
) -> None:
    folder = trained[0]
    model = load_model(folder)
    assert (model.family, model.n_latent, model.n_layer, model.d_model) == ("codi", 6, 4, 128)
    assert model.eot_id == model.vocab_size - 1
    card = (folder / "README.md").read_text()
    assert "latents of another problem" in card
    assert "500 problems" in card


def test_words_and_digits_come_back_as_they_were_written() -> None:
    tokenizer = recipe.build_tokenizer()
    text = "Tom has 12 apples ."
    ids = tokenizer.encode(": 14").ids
    assert len(ids) == 3
    assert tokenizer.decode(ids) == ": 14"
    assert "12" in tokenizer.decode(tokenizer.encode(text).ids)


def test_teacher_and_student_see_only_what_they_may() -> None:
    """Another chain changes the teacher's loss and not the student's."""
    tokenizer = recipe.build_tokenizer()
    torch.manual_seed(0)
    model = recipe.CodiForTraining(recipe.build_config(tokenizer)).eval()
    bot, eot = (recipe.token_id(tokenizer, token) for token in (recipe.BOT, recipe.EOT))
    batch = recipe.training_examples(tokenizer, seed=0, per_step_count=3)[2]
    other = recipe.Examples(**{**vars(batch), "chain": batch.chain.flip(0)})
    first, second = (
        train.losses(model, examples, bot, eot, student=True) for examples in (batch, other)
    )
    assert first.teacher.item() != pytest.approx(second.teacher.item())
    assert first.student.item() == pytest.approx(second.student.item())


def test_the_shipped_model_is_small_and_does_what_its_card_says() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 4_000_000
    config = json.loads((SHIPPED / "config.json").read_text())
    tokenizer = recipe.build_tokenizer()
    assert config["vocab_size"] == tokenizer.get_vocab_size()
    model = load_model("bundled")
    as_trained = recipe.CodiForTraining(recipe.build_config(tokenizer)).eval()
    as_trained.codi.load_state_dict(model.lm.state_dict())
    projection = model.projection
    assert projection is not None
    weights = list(projection.state_dict().values())
    as_trained.prj.load_state_dict(dict(zip(as_trained.prj.state_dict(), weights, strict=True)))
    measured = evaluate.measure(as_trained, tokenizer, seed=2, count=300)
    assert measured["own latents"]["1"] >= 0.95
    assert 0.50 <= measured["own latents"]["overall"] <= 0.75
    # Monte-Carlo room around the card's figures, which come from 1,800 problems.
    assert measured["own latents"]["4"] <= 0.50
    assert measured["latents of another problem"]["2+"] < 0.15
    assert measured["zeros"]["2+"] < 0.15
