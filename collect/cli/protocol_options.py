"""The fields of a protocol as options, declared once for every command that asks a model."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from collect.engine.fields import FIELDS

_OPTIONS: dict[str, Any] = {
    "n_latent": Annotated[
        int | None,
        typer.Option(
            help="Number of thoughts, such as 2; by default as many as the model was trained with."
        ),
    ],
    "bot": Annotated[
        str | None,
        typer.Option(
            help="Place of <bot>: before_latents, first_latent or none; by default the protocol's."
        ),
    ],
    "answer_start": Annotated[
        str | None,
        typer.Option(help="What the answer follows: eot or prompt; by default the protocol's."),
    ],
    "end_of_text_around": Annotated[
        bool | None,
        typer.Option(
            help="End-of-text before <bot> and after <eot>, as some checkpoints were trained; by "
            "default the protocol's."
        ),
    ],
    "parser": Annotated[
        str | None,
        typer.Option(
            help="Parser of answers: number, choice or true_false; by default the problem set's."
        ),
    ],
    "vocabulary": Annotated[
        str | None,
        typer.Option(
            help="Entries that answers are chosen among: all, or less_last; by default the "
            "protocol's."
        ),
    ],
    "answer_format": Annotated[
        str | None,
        typer.Option(
            help="Text of a gold answer as the model would write it, such as '### {answer}'; by "
            "default the protocol's."
        ),
    ],
    "question_suffix": Annotated[
        str | None,
        typer.Option(help="Text after the question, such as ' A:'; by default the protocol's."),
    ],
    "squeeze_spaces": Annotated[
        bool | None,
        typer.Option(
            help="Strip questions and make two spaces one; by default as the protocol does."
        ),
    ],
    "chat_template": Annotated[
        bool | None,
        typer.Option(help="Ask in the tokenizer's chat format; by default as the protocol does."),
    ],
    "stop": Annotated[
        list[str] | None,
        typer.Option(
            help="Text at which an answer ends, such as 'Question:'; repeatable, by default none."
        ),
    ],
    "date": Annotated[
        str | None,
        typer.Option(
            help="Day that a chat template which reads the clock is told, such as 2025-01-31; by "
            "default 2024-07-26."
        ),
    ],
}
assert _OPTIONS.keys() == FIELDS.keys()


def with_protocol_fields(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each field; it is given them as `fields`, by name.

    Only those that were given are there.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [p for p in signature.parameters.values() if p.name != "fields"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in _OPTIONS.items()
    ]

    @functools.wraps(command)
    def wrapped(**given: Any) -> None:
        fields = {name: given.pop(name) for name in _OPTIONS}
        command(**given, fields={k: v for k, v in fields.items() if v is not None and v != []})

    parameters = [*(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own), *added]
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": None}
    return wrapped
