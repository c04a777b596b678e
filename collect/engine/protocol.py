"""Protocols: how a question becomes a prompt, thoughts and an answer, as data.

A protocol is recorded with every condition, so that two runs that fed a model differently are
never compared by accident.
"""

from __future__ import annotations

import dataclasses
import datetime
import string
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
MOST_THOUGHTS = 1024
CLOCK = "strftime_now"
"""The function by which chat templates read the clock."""
PINNED_DATE = "2024-07-26"
"""The day that they are told: the one that Llama 3's template falls back to."""


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
        stop: texts at which an answer ends, whatever follows.
        date: the day (YYYY-MM-DD) that a chat template which reads the clock is told; None where
            nothing reads it.
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
    stop: tuple[str, ...] = ()
    date: str | None = None

    def fields(self) -> dict[str, object]:
        """All fields but the name, JSON-able, as a condition stores them.

        The first version of a parser goes unsaid, and fields that came later are there where they
        say something, so that ids stay as they were.
        """
        later: dict[str, Any] = {"stop": list(self.stop), "date": self.date}
        if self.parser_version == 1:
            later["parser_version"] = None
        said = {k: v for k, v in dataclasses.asdict(self).items() if k not in ("name", *later)}
        return said | {k: v for k, v in later.items() if v}

    @property
    def n_fed(self) -> int:
        """How many thoughts are fed back: T, or T - 1 where `<bot>` counts as the first step."""
        steps = self.n_latent or 0
        return max(0, steps - 1) if self.bot == "first_latent" else steps

    @property
    def open_ended(self) -> bool:
        """Whether generated tokens are steered, as in models without thoughts."""
        return not self.n_latent

    @property
    def n_steered(self) -> int:
        """Positions that may be steered: without thoughts the prompt's last and the answer's."""
        return 1 + self.max_new_tokens if self.open_ended else self.n_positions

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
    stop: tuple[str, ...]
    date: str | None


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
    protocol: str | Protocol | None, model: Model, **changes: Unpack[ProtocolChanges]
) -> Protocol:
    """The protocol with everything that the model decides filled in.

    None is the model's own. The number of thoughts is the model's where the protocol leaves it
    open. A vocabulary too small to spell the sentence around a gold answer keeps what follows the
    sentence's colon. A chat template that reads the clock is told one day, whenever it is asked.

    Raises:
        UserError: the name is unknown, or the protocol and the model do not fit together.
    """
    if protocol is None:
        protocol = default_protocol(model)
    if isinstance(protocol, str):
        protocol = PROTOCOLS[checked(protocol, ProtocolName, "protocol")]
    if protocol.n_latent is None:
        changes.setdefault("n_latent", model.n_latent)
    lead = protocol.answer_format.split("{answer}")[0]
    unknown = getattr(model.tokenizer, "unk_token_id", None)
    if ":" in lead and unknown is not None and unknown in _encode(model.tokenizer, lead):
        changes.setdefault("answer_format", ":" + protocol.answer_format.rpartition(":")[2])
    protocol = dataclasses.replace(protocol, **changes)
    reads_clock = protocol.chat_template and _reads_clock(model.tokenizer)
    date = (protocol.date or PINNED_DATE) if reads_clock else None
    protocol = dataclasses.replace(protocol, stop=tuple(protocol.stop), date=date)
    _check(protocol, model)
    return protocol


def _reads_clock(tokenizer: Any) -> bool:
    return CLOCK in str(getattr(tokenizer, "chat_template", None) or "")


def checked_changes(**changes: Unpack[ProtocolChanges]) -> ProtocolChanges:
    """Changes to a protocol, as far as they can be checked without a model.

    Raises:
        UserError: a value is none that its field can have.
    """
    words = {"bot": BotPlacement, "answer_start": AnswerStart, "vocabulary": AnswerVocabulary}
    for name, allowed in (words | {"parser": AnswerParser}).items():
        if name in changes:
            checked(changes[name], allowed, name.replace("_", " "))  # type: ignore[literal-required]
    if "max_new_tokens" in changes:
        checked_max_new_tokens(changes["max_new_tokens"])
    thoughts = changes.get("n_latent")
    if thoughts is not None and not 0 <= thoughts <= MOST_THOUGHTS:
        raise UserError(f"n_latent is {thoughts}; it must be 0 to {MOST_THOUGHTS} thoughts")
    if "answer_format" in changes:
        _check_format(changes["answer_format"])
    if not all(changes.get("stop", ())):
        raise UserError("an answer cannot stop at an empty text: leave it out of stop")
    day = changes.get("date")
    if day is not None and not _is_day(day):
        raise UserError(f"date {day!r} is no day: write it as {PINNED_DATE}")
    return changes


def _check_format(text: str) -> None:
    try:
        parts = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        text.format(answer="1")
    except (ValueError, LookupError, AttributeError):
        parts = []
    if parts != ["answer"]:
        raise UserError(
            f"answer_format {text!r} should hold {{answer}} once and no other field, such as "
            "'The answer is: {answer}'"
        )


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _check(protocol: Protocol, model: Model) -> None:
    fields = {k: v for k, v in dataclasses.asdict(protocol).items() if k != "name"}
    checked_changes(**fields)
    parser_of(checked(protocol.parser, AnswerParser, "parser"), protocol.parser_version)
    if protocol.chat_template and not getattr(model.tokenizer, "chat_template", None):
        raise UserError(f"the tokenizer of {model.name} has no chat template: leave it out")
    if protocol.bot == "none":
        if protocol.n_latent or protocol.answer_start == "eot":
            raise UserError(
                f"protocol {protocol.name} without <bot> has no thoughts, found n_latent "
                f"{protocol.n_latent} and answer_start {protocol.answer_start}: set bot, or "
                "n_latent 0 and answer_start prompt"
            )
        return
    if model.family == "plain" or model.bot_id is None or model.eot_id is None:
        raise UserError(
            f"protocol {protocol.name} needs a model with thoughts and {model.name} is "
            f"{model.family}; use protocol plain or chat"
        )
    if not protocol.n_latent or protocol.n_latent < 1:
        raise UserError(f"protocol {protocol.name} needs at least one thought, not none")
    if protocol.answer_start != "eot":
        raise UserError(
            f"an answer after thoughts starts after <eot>, found answer_start "
            f"{protocol.answer_start}: leave it out"
        )


def _encode(tokenizer: Any, text: str, *, special: bool = False) -> list[int]:
    return list(tokenizer(text, add_special_tokens=special)["input_ids"])


# What a model is asked and how many thoughts it has: all that its states can depend on.
_OF_STATES = (
    "n_latent",
    "bot",
    "end_of_text_around",
    "question_suffix",
    "squeeze_spaces",
    "chat_template",
    "date",
)


def reading_name(protocol: Protocol, model: Model) -> str:
    """What activations are stored under: the protocol, what of it is otherwise, and the dtype.

    `codi` is the protocol as it is, in float32; `codi n_latent=3 dtype=bfloat16` is another.
    """
    usual = resolve_protocol(protocol.name, model)
    parts = [
        f"{name}={getattr(protocol, name)!r}"
        for name in _OF_STATES
        if getattr(protocol, name) != getattr(usual, name)
    ]
    dtype = str(model.dtype).removeprefix("torch.")
    parts += [f"dtype={dtype}"] if dtype != "float32" else []
    return " ".join([protocol.name, *parts])


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
            message,
            chat_template=_template(model.tokenizer, protocol.date),
            tokenize=False,
            add_generation_prompt=True,
        )
    ids = _encode(model.tokenizer, text, special=not protocol.chat_template)
    if protocol.bot != "none":
        ids += [model.eos_id] if protocol.end_of_text_around else []
        ids.append(_known(model.bot_id))
    return ids


def _template(tokenizer: Any, day: str | None) -> str:
    """The tokenizer's chat template; told a day, it has a clock of its own that stands still."""
    template = str(tokenizer.get_chat_template())
    if day is None:
        return template
    at = datetime.datetime.fromisoformat(day)
    parts = {f"%{flag}{letter}": "" for letter in "aAbBcdeHIjmMpSuUwWxXyY" for flag in ("-", "")}
    told = "".join(f"|replace({part!r}, {at.strftime(part)!r})" for part in parts)
    # An empty expression keeps the template's own first line break.
    clock = f"{{%- macro {CLOCK}(text) -%}}{{{{- text{told} -}}}}{{%- endmacro %}}"
    return clock + "{{ '' }}" + template


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
    special = {*model.tokenizer.all_special_ids, model.bot_id, model.eot_id, *model.ends}
    words = [token for token in tokens if token not in special]
    # Some decoders cannot decode nothing.
    return str(model.tokenizer.decode(words)) if words else ""


def read_answer(
    model: Model, protocol: Protocol, tokens: Sequence[int], truncated: bool
) -> tuple[str, bool]:
    """The text of an answer up to the first `stop`, and whether it was cut off before its end."""
    text = answer_text(model, tokens)
    ends = [place for stop in protocol.stop if (place := text.find(stop)) >= 0]
    return (text[: min(ends)], False) if ends else (text, truncated)


def _known(token: int | None) -> int:
    assert token is not None  # _check has refused models without thoughts
    return token
