"""Questions become prompts as the checkpoints' authors make them."""

import json

import pytest
from tokenizers import processors

from collect.engine.protocol import (
    PROTOCOLS,
    Protocol,
    answer_start_tokens,
    answer_text,
    gold_tokens,
    prompt_tokens,
    resolve_protocol,
)
from sql.errors import UserError
from tests.collect.engine import tiny


@pytest.fixture(scope="module")
def model():
    return tiny.build()


def test_question_is_stripped_and_double_spaces_become_one(model):
    protocol = resolve_protocol("codi", model)
    tidy = prompt_tokens(model, protocol, "Tom keeps apples in a box .")
    assert prompt_tokens(model, protocol, "  Tom keeps  apples in a box . \n") == tidy
    assert tidy[-1] == model.bot_id
    assert tidy.count(model.bot_id) == 1


def test_end_of_text_stands_around_the_thoughts_where_asked(model):
    protocol = resolve_protocol("codi", model, end_of_text_around=True)
    assert prompt_tokens(model, protocol, "Tom")[-2:] == [model.eos_id, model.bot_id]
    assert answer_start_tokens(model, protocol) == [model.eot_id, model.eos_id]
    assert answer_start_tokens(model, resolve_protocol("codi", model)) == [model.eot_id]


def test_tokenizer_adds_its_own_beginning_of_text():
    model = tiny.build()
    model.tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<eos> $A", special_tokens=[("<eos>", model.eos_id)]
    )
    ids = prompt_tokens(model, resolve_protocol("codi", model), "Tom keeps apples in a box .")
    assert ids[0] == model.eos_id
    gold = gold_tokens(model, resolve_protocol("codi", model), "14")
    assert gold.count(model.eos_id) == 1


def test_gold_answer_is_written_as_the_model_would(model):
    protocol = resolve_protocol("codi", model)
    assert protocol.answer_format == ": {answer}"  # this vocabulary has no "answer"
    assert answer_text(model, gold_tokens(model, protocol, "14")) == ": 14"
    assert gold_tokens(model, protocol, "14")[-1] == model.eos_id


def test_text_of_an_empty_answer_is_empty(model):
    assert answer_text(model, [model.eos_id]) == ""
    assert answer_text(model, []) == ""


def test_report_never_feeds_its_last_thought(model):
    report, codi = resolve_protocol("report", model), resolve_protocol("codi", model)
    assert (report.n_latent, report.n_fed) == (tiny.N_LATENT, tiny.N_LATENT - 1)
    assert (codi.n_latent, codi.n_fed) == (tiny.N_LATENT, tiny.N_LATENT)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_fields_are_json_and_rebuild_the_protocol(name):
    protocol = PROTOCOLS[name]
    fields = json.loads(json.dumps(protocol.fields()))
    assert Protocol(name, **fields) == protocol


@pytest.mark.parametrize(
    ("protocol", "family"),
    [
        ("codi", "plain"),
        ("nonsense", "codi"),
        (Protocol("x", max_new_tokens=0), "codi"),
        (Protocol("x", n_latent=0), "codi"),
        (Protocol("x", bot="after"), "codi"),  # type: ignore[arg-type]
        (Protocol("x", answer_start="thoughts"), "codi"),  # type: ignore[arg-type]
        (Protocol("x", vocabulary="digits"), "codi"),  # type: ignore[arg-type]
    ],
)
def test_protocols_that_do_not_fit_are_refused(protocol, family):
    with pytest.raises(UserError):
        resolve_protocol(protocol, tiny.build(family))
