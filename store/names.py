"""Names that people give: checked before they become paths, table keys or hub requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from sql.errors import UserError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,127}")
_SITE = re.compile(r"latent|latent_projected|residual:(?P<layer>[0-9]{1,6})")
_LONGEST_MODEL = 256

SHORT_ID = 8
"""Characters of an id that are enough to name it where a person has to."""


def checked_name(name: str, what: str) -> str:
    """The name, if it is one word of letters, digits and `_ . : + -`.

    Raises:
        UserError: it is not; `what` says in the message what it should name.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise UserError(
            f"{what} {name[:60]!r} is no usable name: use letters, digits and _ . : + - "
            "(at most 128, the first a letter or digit)"
        )
    return name


def checked_model_name(name: str) -> str:
    """The name, if a model can have it: a hub id, or the name of a folder or file.

    Raises:
        UserError: it is empty, long, begins or ends with a space, or does not print on one line.
    """
    usable = name.isprintable() and name == name.strip() and 0 < len(name) <= _LONGEST_MODEL
    if not usable or ".." in name:
        raise UserError(
            f"model name {name[:60]!r} is no usable name: give a hub id such as owner/name, or "
            f"one line of at most {_LONGEST_MODEL} characters without '..'"
        )
    return name


NAMED: dict[str, tuple[str, ...]] = {
    "models": ("name",),
    "directions": ("name",),
    "problem_sets": ("set_name", "split"),
    "strata": ("scheme",),
    "conditions": ("protocol",),
}
"""Columns that hold names, by table."""


def check_names(table: str, columns: Mapping[str, Iterable[str | None]]) -> None:
    """Refuse rows with a name that is none: the one check on every way into a store.

    Raises:
        UserError: A name is not usable; the message says of which column.
    """
    for column in NAMED.get(table, ()):
        for name in {value for value in columns[column] if value is not None}:
            if table == "models":
                checked_model_name(name)
            else:
                what = "direction name" if table == "directions" else column.replace("_", " ")
                checked_name(name, what)


def named_values(given: Sequence[str], rule: str) -> dict[str, str]:
    """Options of the form name=value as a mapping. Raises UserError with the rule."""
    parts = [text.partition("=") for text in given]
    wrong = [text for text, part in zip(given, parts, strict=True) if not (part[0] and part[2])]
    if wrong:
        raise UserError(f"{rule}, found {wrong[0]!r}")
    return {name: value for name, _, value in parts}


def named_filters(given: Sequence[str]) -> dict[str, str]:
    """Options column=value as a mapping; a value without a column is of that called filter."""
    parts = [text.partition("=") for text in given]
    return {name if sign else "filter": value if sign else name for name, sign, value in parts}


def is_id(key: str, text: str) -> bool:
    """Whether a text is an id, or how it begins by at least `SHORT_ID` characters."""
    return key == text or (len(text) >= SHORT_ID and key.startswith(text))


def residual_layer(site: str) -> int | None:
    """The block of a `residual:<layer>` site; None for the other sites.

    Raises:
        UserError: the text names no site.
    """
    match = _SITE.fullmatch(site)
    if match is None:
        raise UserError(f"unknown site {site!r}; use latent, latent_projected or residual:<layer>")
    return int(match["layer"]) if match["layer"] else None


def _site(text: str) -> str:
    layer = residual_layer(text)
    return text if layer is None else f"residual:{layer}"


def checked_sites(site: str) -> tuple[str, ...]:
    """The sites of a comma-separated list, each of them known and in one spelling.

    Raises:
        UserError: one is unknown, or named twice.
    """
    sites = tuple(_site(part.strip()) for part in site.split(","))
    if len(set(sites)) < len(sites):
        raise UserError(f"site {site!r} names a site twice: give each once")
    return sites
