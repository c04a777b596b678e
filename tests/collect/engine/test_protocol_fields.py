"""Fields of protocols: what they are checked for, what they do, and whose default is whose."""

import dataclasses

import numpy as np
import pytest

from collect.engine.answers import answer
from collect.engine.engine import Engine, run
from collect.engine.fields import FIELDS
from collect.engine.interventions import Steering
from collect.engine.protocol import (
    PINNED_DATE,
    PROTOCOLS,
    Protocol,
    ProtocolChanges,
    _template,
    checked_changes,
    default_protocol,
    prompt_tokens,
    read_answer,
    reading_name,
    resolve_protocol,
)
from collect.engine.reading import activations
from collect.sweeps import designs
from collect.sweeps.gates import run_gates
from sql.errors import UserError
from tests.collect.engine import tiny

FAMILIES = ("codi", "coconut", "plain")


def test_each_field_has_an_option_and_a_type():
    # The version of a parser is the store's, or the newest: nobody says it.
    names = {field.name for field in dataclasses.fields(Protocol)} - {"name", "parser_version"}
    assert (
        names
        == FIELDS.keys() | {"max_new_tokens"}
        == ProtocolChanges.__annotations__.keys() - {"parser_version"}
    )


def test_fields_that_came_later_leave_earlier_ids_as_they_were():
    assert not {"stop", "date"} & PROTOCOLS["codi"].fields().keys()
    later = dataclasses.replace(PROTOCOLS["chat"], stop=("Q:",), date="2024-07-26")
    assert later.fields()["stop"] == ["Q:"]
    assert later.fields()["date"] == "2024-07-26"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_models_own_protocol_is_the_default_everywhere(family):
    model = tiny.build(family)
    own = default_protocol(model)
    assert own == family
    assert resolve_protocol(None, model) == resolve_protocol(own, model)
    question = tiny.QUESTIONS[:1]
    assert answer(model, question) == answer(model, question, protocol=own)
    engine = Engine(model, question, None, [Steering(None)], None, None, 2**28, None)
    assert engine.protocol.name == own
    (block,) = run(model, question, None, [Steering(None)])
    (named,) = run(model, question, None, [Steering(None)], protocol=own)
    assert block.tokens == named.tokens
    site = "residual:1"
    first, second = (
        activations(model, question, sites=[site], protocol=each)[site] for each in (None, own)
    )
    assert np.array_equal(first, second)
    assert run_gates(model, question, None, [])["protocol"] == own


@pytest.mark.parametrize("family", ["codi", "coconut"])
def test_a_reproduction_corrects_under_the_models_own_protocol(family):
    design = designs.demo(tiny.build(family), seed=0, scale=designs.Scale(pool=4))
    names = [branch.setting.protocol.name for branch in design.branches]
    assert names == [family, "report"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_latent": -1}, "n_latent is -1"),
        ({"n_latent": 1025}, "n_latent is 1025"),
        ({"bot": "behind"}, "bot 'behind'"),
        ({"answer_start": "now"}, "answer start 'now'"),
        ({"vocabulary": "most"}, "vocabulary 'most'"),
        ({"parser": "words"}, "parser 'words'"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"answer_format": "no place"}, "should hold {answer} once"),
        ({"answer_format": "{answer} {other}"}, "should hold {answer} once"),
        ({"answer_format": "{answer.x}"}, "should hold {answer} once"),
        ({"answer_format": "{answer"}, "should hold {answer} once"),
        ({"answer_format": "{answer} {answer}"}, "should hold {answer} once"),
        ({"stop": ("a", "")}, "empty text"),
        ({"date": "31 Jan"}, "date '31 Jan' is no day"),
        ({"date": "20250131"}, "is no day"),
    ],
)
def test_a_value_that_a_field_cannot_have_is_refused(changes, message):
    with pytest.raises(UserError, match=message) as error:
        checked_changes(**changes)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("family", "name", "changes", "message"),
    [
        ("codi", "codi", {"bot": "none"}, "without <bot> has no thoughts"),
        ("codi", "codi", {"chat_template": True}, "no chat template"),
        ("plain", "plain", {"answer_start": "eot"}, "without <bot>"),
        ("plain", "plain", {"n_latent": 2}, "without <bot>"),
        ("plain", "plain", {"bot": "first_latent"}, "needs a model with thoughts"),
        ("codi", "codi", {"n_latent": 0}, "at least one thought"),
        ("codi", "codi", {"answer_start": "prompt"}, "starts after <eot>"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(family, name, changes, message):
    with pytest.raises(UserError, match=message):
        resolve_protocol(name, tiny.build(family), **changes)


def test_an_answer_ends_at_the_first_stop():
    model = tiny.build()
    tokens = model.tokenizer("18 . Tom has 3", add_special_tokens=False)["input_ids"]
    whole = resolve_protocol("codi", model)
    text, truncated = read_answer(model, whole, tokens, True)
    assert truncated
    stopped = resolve_protocol("codi", model, stop=("has", "Tom"))
    cut, cut_off = read_answer(model, stopped, tokens, True)
    assert cut == text[: text.index("Tom")]
    assert not cut_off
    elsewhere = resolve_protocol("codi", model, stop=("apples",))
    assert read_answer(model, elsewhere, tokens, True) == (text, True)


def with_template(template):
    model = tiny.build("plain")
    model.tokenizer.chat_template = template
    return model


READS_CLOCK = "{{ strftime_now('%d %m %Y') }} {{ messages[0].content }}"


def test_a_template_that_reads_the_clock_is_told_one_day():
    model = with_template(READS_CLOCK)
    usual = resolve_protocol(None, model)
    assert (usual.name, usual.date) == ("chat", PINNED_DATE)
    assert usual.fields()["date"] == PINNED_DATE
    other = resolve_protocol(None, model, date="2025-01-31")
    prompts = {
        protocol.date: model.tokenizer.decode(prompt_tokens(model, protocol, "3 + 4"))
        for protocol in (usual, other)
    }
    words = {
        date: model.tokenizer.decode(
            model.tokenizer(f"{date[8:]} {date[5:7]} {date[:4]} 3 + 4", add_special_tokens=False)[
                "input_ids"
            ]
        )
        for date in (PINNED_DATE, "2025-01-31")
    }
    assert prompts == words
    assert len(set(prompts.values())) == 2


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("\n{{ strftime_now('%d %b %Y') }}", "\n26 Jul 2024"),
        ("{%- set day = strftime_now('%B %-d, %y') %}{{ day }} !", "July 26, 24 !"),
        ("{% if strftime_now is defined %}{{ strftime_now('%Y-%m-%d') }}{% endif %}", "2024-07-26"),
        ("{% macro x() %}{{ strftime_now('%A') }}{% endmacro %}{{ x() }}", "Friday"),
    ],
)
def test_a_clock_that_stands_still_leaves_the_rest_of_a_template(template, text):
    model = with_template(template)
    message = [{"role": "user", "content": "3"}]
    pinned = _template(model.tokenizer, PINNED_DATE)
    said = model.tokenizer.apply_chat_template(message, chat_template=pinned, tokenize=False)
    assert said == text


def test_a_day_that_nobody_reads_is_no_part_of_a_protocol():
    model = with_template("{{ messages[0].content }}")
    assert resolve_protocol("chat", model, date="2025-01-31").date is None
    clock = with_template(READS_CLOCK)
    assert resolve_protocol("plain", clock, date="2025-01-31").date is None


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "codi"),
        ({"max_new_tokens": 3}, "codi"),  # what comes after the states is no part of them
        ({"parser": "choice", "stop": ("a",), "answer_format": "{answer}"}, "codi"),
        ({"n_latent": 2}, "codi n_latent=2"),
        ({"question_suffix": " A:"}, "codi question_suffix=' A:'"),
        ({"end_of_text_around": True, "n_latent": 1}, "codi n_latent=1 end_of_text_around=True"),
    ],
)
def test_activations_are_stored_under_what_decides_them(changes, name):
    model = tiny.build()
    assert reading_name(resolve_protocol("codi", model, **changes), model) == name
    half = dataclasses.replace(model, dtype=__import__("torch").bfloat16)
    assert reading_name(resolve_protocol("codi", half, **changes), half) == f"{name} dtype=bfloat16"
