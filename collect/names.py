"""Names that people give: checked before they become paths, table keys or hub requests."""

from __future__ import annotations

import re

from collect.interventions import residual_layer
from sql.errors import UserError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,127}")
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,95})?")


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


def is_hub_id(text: str) -> bool:
    """Whether a text can be the id of a hub repository, `owner/name` or `name`."""
    return bool(_HUB_ID.fullmatch(text)) and ".." not in text


def checked_sites(site: str) -> tuple[str, ...]:
    """The sites of a comma-separated list, each of them known.

    Raises:
        UserError: one is unknown, or named twice.
    """
    sites = tuple(part.strip() for part in site.split(","))
    for one in sites:
        residual_layer(one)
    if len(set(sites)) < len(sites):
        raise UserError(f"site {site!r} names a site twice: give each once")
    return sites
