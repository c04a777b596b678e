"""Names that people give: checked before they become paths, table keys or hub requests."""

from __future__ import annotations

import re

from sql.errors import UserError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,127}")


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
