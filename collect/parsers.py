"""Answer parsers: from a model's text to one canonical answer, or None where there is none.

A unit is correct when its parsed answer equals the gold answer, which the same reader read
(`store.answers`). No answer is None, which is stored as `parse_fail`. A parser and its version are
part of the protocol of a condition.
"""

from __future__ import annotations

from collections.abc import Callable

from collect.first_parsers import FIRST
from sql.errors import UserError
from store.answers import READERS, VERSION

Parser = Callable[[str], str | None]


def _newest(name: str) -> Parser:
    read = READERS[name]
    return lambda text: read(text).value


PARSERS: dict[str, Parser] = {name: _newest(name) for name in READERS}
"""The newest version of each parser."""

_VERSIONS: dict[int, dict[str, Parser]] = {1: FIRST, VERSION: PARSERS}


def parser_of(name: str, version: int) -> Parser:
    """A parser in one of its versions. Raises UserError where there is none."""
    if version not in _VERSIONS or name not in _VERSIONS[version]:
        known = ", ".join(str(one) for one in _VERSIONS)
        raise UserError(f"no version {version} of parser {name!r}: there are {known}")
    return _VERSIONS[version][name]
