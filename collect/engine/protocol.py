"""Protocols: how a question becomes a prompt, thoughts and an answer, as data.

A protocol is recorded with every condition, so that two runs that fed a model differently are
never compared by accident.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from analysis.vocabulary import (
    AnswerParser,
    AnswerStart,
    AnswerVocabulary,
    BotPlacement,
    ProtocolName,
    checked,
)
from collect.models.model import Model
from collect.parsers import parser_of
from sql.errors import UserError
from store.answers import VERSION

MOST_NEW_TOKENS = 100_000


@dataclass(frozen=True)
class Protocol:
    """How one model is asked.

    Attributes:
        name: key in `PROTOCOLS`.
        n_latent: steered positions T; None takes the model's own number of thoughts.
        bot: `before_latents` feeds `<bot>` and then all T thoughts; `first_latent` counts `<bot>`
            as the first of the T steps, so that the T-th thought is steered and never fed (its
            position is dead at site `latent`); `none` has no thoughts at all.
        answer_start: `eot` feeds `<eot>` and then decodes; `prompt` decodes after the prompt.
        end_of_text_around: end-of-text before `<bot>` and after `<eot>`, as some checkpoints
            were trained.
        max_new_tokens: tokens after which an answer without end-of-text is truncated.
        parser: name of the answer parser.
        parser_version: which version of it reads (`collect.parsers`).
        vocabulary: `less_last` takes the arg-max over all entries but the last one, as CODI's
            authors do; `all` over all.
        answer_format: the text of a gold answer as the model would write it; its log-probability
            is an outcome.
        question_suffix: text after the question.
        squeeze_spaces: strip the question and make two spaces one, as CODI's authors do.
        chat_template: wrap the question as a user's message in the tokenizer's chat format.
    """

    name: str
    n_latent: int | None = None
    bot: BotPlacement = "before_latents"
    answer_start: AnswerStart = "eot"
    end_of_text_around: bool = False
    max_new_tokens: int = 32
    parser: str = "number"
    parser_version: int = VERSION
    vocabulary: AnswerVocabulary = "less_last"
    answer_format: str = "The answer is: {answer}"
    question_suffix: str = ""
    squeeze_spaces: bool = True
    chat_template: bool = False

    def fields(self) -> dict[str, object]:
        """All fields but the name, JSON-able, as a condition stores them.

        The first version of a parser goes unsaid, so that conditions graded by it keep their ids.
        """
        fields = {k: v for k, v in dataclasses.asdict(self).items() if k != "name"}
        if self.parser_version == 1:
            del fields["parser_version"]
        return fields

    @property
    def n_fed(self) -> int:
        """How many thoughts are fed back: T, or T - 1 where `<bot>` counts as the first step."""
        steps = self.n_latent or 0
        return max(0, steps - 1) if self.bot == "first_latent" else steps

    @property
    def n_positions(self) -> int:
        """Positions that an outcome describes: T, or the prompt's last token without thoughts."""
        return self.n_latent or 1


class ProtocolChanges(TypedDict, total=False):
    """The fields of `Protocol` that `resolve_protocol` can set: all but the name."""

    n_latent: int | None
    bot: BotPlacement
    answer_start: AnswerStart
    end_of_text_around: bool
    max_new_tokens: int
    parser: str
    parser_version: int
    vocabulary: AnswerVocabulary
    answer_format: str
    question_suffix: str
    squeeze_spaces: bool
    chat_template: bool


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("codi"),
        Protocol("report", bot="first_latent"),
        Protocol(
            "coconut",
            vocabulary="all",
            answer_format="### {answer}",
            question_suffix="\n",
            squeeze_spaces=False,
        ),
        Protocol(
            "plain",
            n_latent=0,
            bot="none",
            answer_start="prompt",
            vocabulary="all",
            answer_format=" {answer}",
            squeeze_spaces=False,
        ),
        Protocol(
            "chat",
            n_latent=0,
            bot="none",
            answer_start="prompt",
            vocabulary="all",
            answer_format="{answer}",
            squeeze_spaces=False,
            chat_template=True,
        ),
    )
}


def checked_max_new_tokens(tokens: int) -> int:
    """The longest answer in tokens. Raises UserError where it is not 1 to `MOST_NEW_TOKENS`."""
    if not 1 <= tokens <= MOST_NEW_TOKENS:
        raise UserError(f"max_new_tokens is {tokens}; it must be 1 to {MOST_NEW_TOKENS}")
    return tokens


def default_protocol(model: Model) -> str:
    """The protocol that a model is run under unless something else is said."""
    if model.family != "plain":
        return model.family
    return "chat" if getattr(model.tokenizer, "chat_template", None) else "plain"


def resolve_protocol(
    protocol: str | Protocol, model: Model, **changes: Unpack[ProtocolChanges]
) -> Protocol:
    """The protocol with everything that the model decides filled in.

    The number of thoughts is the model's where the protocol leaves it open. A vocabulary too
    small to spell the sentence around a gold answer keeps what follows the sentence's colon.

    Raises:
        UserError: the name is unknown, or the protocol and the model do not fit together.
    """
    if isinstance(protocol, str):
        protocol = PROTOCOLS[checked(protocol, ProtocolName, "protocol")]
    if protocol.n_latent is None:
        changes.setdefault("n_latent", model.n_latent)
    lead = protocol.answer_format.split("{answer}")[0]
    unknown = getattr(model.tokenizer, "unk_token_id", None)
    if ":" in lead and unknown is not None and unknown in _encode(model.tokenizer, lead):
        changes.setdefault("answer_format", ":" + protocol.answer_format.rpartition(":")[2])
    protocol = dataclasses.replace(protocol, **changes)
    _check(protocol, model)
    return protocol


def _check(protocol: Protocol, model: Model) -> None:
    checked(protocol.bot, BotPlacement, "placement of <bot>")
    checked(protocol.answer_start, AnswerStart, "start of the answer")
    checked(protocol.vocabulary, AnswerVocabulary, "vocabulary")
    checked_max_new_tokens(protocol.max_new_tokens)
    parser_of(checked(protocol.parser, AnswerParser, "parser"), protocol.parser_version)
    if protocol.bot == "none":
        return
    if model.family == "plain" or model.bot_id is None or model.eot_id is None:
        raise UserError(
            f"protocol {protocol.name} needs a model with thoughts and {model.name} is "
            f"{model.family}; use protocol plain or chat"
        )
    if not protocol.n_latent or protocol.n_latent < 1:
        raise UserError(f"protocol {protocol.name} needs at least one thought, not none")


def _encode(tokenizer: Any, text: str, *, special: bool = False) -> list[int]:
    return list(tokenizer(text, add_special_tokens=special)["input_ids"])


def prompt_tokens(model: Model, protocol: Protocol, question: str) -> list[int]:
    """Token ids up to and with `<bot>`; without thoughts, the prompt alone.

    The tokenizer adds its own beginning-of-text token if it has one.

    Raises:
        UserError: nothing is left of the question.
    """
    text = question.strip().replace("  ", " ") if protocol.squeeze_spaces else question
    if not text.strip():
        raise UserError("a question is empty; give each problem a text")
    text += protocol.question_suffix
    if protocol.chat_template:
        message = [{"role": "user", "content": text}]
        text = model.tokenizer.apply_chat_template(
            message, tokenize=False, add_generation_prompt=True
        )
    ids = _encode(model.tokenizer, text, special=not protocol.chat_template)
    if protocol.bot != "none":
        ids += [model.eos_id] if protocol.end_of_text_around else []
        ids.append(_known(model.bot_id))
    return ids


def answer_start_tokens(model: Model, protocol: Protocol) -> list[int]:
    """What is fed after the thoughts, before the first answer token."""
    if protocol.answer_start != "eot":
        return []
    return [_known(model.eot_id)] + ([model.eos_id] if protocol.end_of_text_around else [])


def gold_tokens(model: Model, protocol: Protocol, answer: str) -> list[int]:
    """A gold answer as the model would write it, end-of-text included."""
    text = protocol.answer_format.format(answer=answer)
    return [*_encode(model.tokenizer, text), model.eos_id]


def answer_text(model: Model, tokens: Sequence[int]) -> str:
    """Decoded answer without special tokens."""
    special = {*model.tokenizer.all_special_ids, model.bot_id, model.eot_id, model.eos_id}
    words = [token for token in tokens if token not in special]
    # Some decoders cannot decode nothing.
    return str(model.tokenizer.decode(words)) if words else ""


def _known(token: int | None) -> int:
    assert token is not None  # _check has refused models without thoughts
    return token
