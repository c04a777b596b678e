"""The view that shows every field of a protocol in a column of its own."""

from __future__ import annotations

import json
from dataclasses import fields

from collect.engine.fields import FIELDS
from collect.engine.protocol import PROTOCOLS, Protocol
from tests.sql.few_rows import R, database, rows

FULL = Protocol(
    "chat",
    n_latent=2,
    bot="first_latent",
    answer_start="prompt",
    end_of_text_around=True,
    max_new_tokens=7,
    parser_version=2,
    parser="choice",
    vocabulary="all",
    answer_format="A: {answer}",
    question_suffix=" A:",
    squeeze_spaces=False,
    chat_template=True,
    stop=("Q:", "\n"),
    date="2025-01-31",
)


def test_every_field_of_a_protocol_is_a_column():
    c = database(
        {"base": {"a": R}, "up": {"a": R}},
        conditions={
            "base": {
                "protocol": "chat",
                "protocol_fields": json.dumps(FULL.fields()),
                "decoding": '{"mode":"sample","temperature":0.5}',
            },
            "up": {
                "direction": "d",
                "alpha": 1.0,
                "protocol_fields": json.dumps(PROTOCOLS["codi"].fields()),
                "schedule": 'first by n_steps {"1":0.5,"2":1.0}',
            },
        },
        directions={"d": {}},
    )
    names = [field.name for field in fields(Protocol) if field.name != "name"]
    assert set(names) == FIELDS.keys() | {"max_new_tokens", "parser_version"}
    found = rows(c, "condition_protocols", ", ".join(["condition_id", *names]))
    said = {row[0]: dict(zip(names, row[1:], strict=True)) for row in found}
    expected = FULL.fields()
    assert json.loads(said["base"].pop("stop")) == expected.pop("stop")
    expected.pop("stop", None)
    said["base"].pop("stop", None)
    assert said["base"] == expected
    assert said["up"]["stop"] is None
    assert said["up"]["date"] is None
    assert said["up"]["n_latent"] is None
    more = "condition_id, mode, temperature, alpha_factors"
    assert sorted(rows(c, "condition_protocols", more)) == [
        ("base", "sample", 0.5, None),
        ("up", "greedy", None, 'n_steps {"1":0.5,"2":1.0}'),
    ]
