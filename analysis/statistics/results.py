"""What a statistic returns: one frozen result type, its statuses and what it generalises to.

Effects are fractions of problems (0.023), never percentage points; nothing is rounded here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from sql.errors import Refusal as Refusal

# A float, an int, or (where counts were given as arrays) a numpy array of one shape throughout.
Numbers = Any
Statuses = Any

OK = "ok"
NO_INFORMATION = "no_information"
DEGENERATE = "degenerate"
TOO_FEW_CONTROLS = "too_few_controls"
TEST_INTERVAL_DISAGREE = "test_interval_disagree"
NOT_CONVERGED = "not_converged"
STATUSES = (
    OK,
    NO_INFORMATION,
    DEGENERATE,
    TOO_FEW_CONTROLS,
    TEST_INTERVAL_DISAGREE,
    NOT_CONVERGED,
)

Scope = Literal[
    "these problems only", "new problems", "new directions", "new problems and directions"
]
THESE_PROBLEMS: Scope = "these problems only"
NEW_PROBLEMS: Scope = "new problems"
NEW_DIRECTIONS: Scope = "new directions"
NEW_BOTH: Scope = "new problems and directions"

# The smallest positive normal double: a p-value below it is reported as this upper bound, not 0.0.
SMALLEST_P = float(np.finfo(float).tiny)


@dataclass(frozen=True, kw_only=True)
class Result:
    """One statistic, or one per element where the counts were arrays.

    Attributes:
        method: what was computed, e.g. ``"mcnemar midp"``.
        n: problems (or whatever the unit is) that the statistic is about.
        estimate: the effect; fractions of problems unless the function says otherwise.
        low, high: limits of the interval at `level`; None where the method has no interval.
        level: coverage asked of the interval, e.g. 0.95.
        p: p-value; None where the method has no test. Never 0.0: see `SMALLEST_P`.
        statistic: the test statistic, where it has a name of its own.
        status: one of `STATUSES` (an array of them where counts were arrays).
        scope: what the result generalises to.
        dropped: how many units the method left out (ties, missing outcomes, failed fits).
        dropped_what: what those units are.
        selected_on_outcome: the problems were chosen by the outcome that is tested (a balanced
            set, say); the result is stamped so, and speaks of these problems only.
    """

    method: str
    estimate: Numbers
    n: Numbers
    low: Numbers = None
    high: Numbers = None
    level: float | None = None
    p: Numbers = None
    statistic: Numbers = None
    status: Statuses = OK
    scope: str = NEW_PROBLEMS
    dropped: Numbers = 0
    dropped_what: str = ""
    selected_on_outcome: bool = False

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain Python values (arrays as lists), ready for JSON.

        Infinities, which JSON lacks, become the text ``"inf"`` or ``"-inf"``; a NaN becomes None.
        """
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}


def plain(value: Any) -> Any:
    """`value` without numpy types, nested results as dictionaries."""
    if isinstance(value, Result):
        return value.as_dict()
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def scope_of(selected_on_outcome: bool, otherwise: str = NEW_PROBLEMS) -> str:
    """A set selected on the tested outcome represents nothing but itself."""
    return THESE_PROBLEMS if selected_on_outcome else otherwise


def floor_p(p: Any) -> Any:
    """`p` with underflow replaced by the smallest positive normal double (an upper bound)."""
    return np.clip(p, SMALLEST_P, 1.0)


def unwrap(values: Any, scalar: bool) -> Any:
    """The single element of `values` as a Python value if `scalar`, else the array."""
    return np.asarray(values).reshape(-1)[0].item() if scalar else values
