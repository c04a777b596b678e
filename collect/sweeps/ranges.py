"""Numbers as people write them on a command line: ranges of doses, seeds, amounts of memory."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation

from sql.errors import UserError
from store.identity import dose

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
MOST_VALUES = 10_000
MOST_OUTCOME_SEED = 2**31 - 1  # `outcomes.seed` is an int32
LEAST_MEMORY = 10**6


def alphas(text: str) -> list[float]:
    """Doses from `first:last:step` (both ends included) or a list `-3,0,3`.

    Steps are counted in decimals, so that `-3:3:0.1` holds exactly 0.0 and 0.3; each dose has the
    12 significant digits that its id has.

    Raises:
        UserError: the text is neither, or a value is not finite.
    """
    try:
        parts = [Decimal(part.strip()) for part in text.split(":" if ":" in text else ",")]
    except InvalidOperation:
        parts = [Decimal("nan")]
    if not all(part.is_finite() and math.isfinite(float(part)) for part in parts):
        raise UserError(f"--alphas {text!r} is no list of doses: write -3:3:0.5 or -3,0,3")
    if ":" not in text:
        return sorted({dose(float(part)) for part in parts})
    if len(parts) != 3 or parts[2] <= 0 or parts[1] < parts[0]:
        raise UserError(f"--alphas {text!r}: a range is first:last:step, upwards, as -3:3:0.5")
    first, last, step = parts
    count = math.floor((last - first) / step + Decimal("1e-9")) + 1
    if count > MOST_VALUES:
        raise UserError(f"--alphas {text!r} has {count} values; at most {MOST_VALUES} make sense")
    return sorted({dose(float(first + i * step)) for i in range(count)})


def seeds(text: str) -> list[int]:
    """Seeds from `0:4` (that is 0, 1, 2, 3) or a list `0,5,7`.

    Raises:
        UserError: the text is neither, no seed is left, or one does not fit the store.
    """
    try:
        parts = [int(part) for part in text.split(":" if ":" in text else ",")]
    except ValueError:
        parts = []
    if parts and max(parts) > MOST_OUTCOME_SEED:
        raise UserError(f"--seeds {text!r}: a seed is at most {MOST_OUTCOME_SEED}")
    if ":" in text:
        values = list(range(*parts)[: MOST_VALUES + 1]) if len(parts) == 2 else []
    else:
        values = sorted(set(parts))
    if not values or values[0] < 0 or len(values) > MOST_VALUES:
        raise UserError(f"--seeds {text!r} names no seeds: write 0:4 (0, 1, 2, 3) or 0,5,7")
    return values


def memory_bytes(text: str) -> int:
    """Bytes from `4GB`, `500 MB` or a plain number.

    Raises:
        UserError: the text is no amount, or one that no engine could run in.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", text.lower())
    if not match:
        raise UserError(f"--memory {text!r} is no amount of memory: write 4GB or 500MB")
    amount = float(match[1]) * _UNITS[match[2]]
    if not LEAST_MEMORY <= amount < math.inf:
        raise UserError(f"--memory {text!r} should be 1MB or more: write 4GB or 500MB")
    return int(amount)
