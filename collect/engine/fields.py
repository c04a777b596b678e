"""Which fields of a protocol a person may set, in a plan or on a command line, and their types."""

from __future__ import annotations

FIELDS: dict[str, type] = {
    "n_latent": int,
    "bot": str,
    "answer_start": str,
    "end_of_text_around": bool,
    "parser": str,
    "vocabulary": str,
    "answer_format": str,
    "question_suffix": str,
    "squeeze_spaces": bool,
    "chat_template": bool,
    "stop": list,
    "date": str,
}
"""All of `Protocol` but its name and `max_new_tokens`, which has a default of its own there."""
