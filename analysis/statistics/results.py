"""What a statistic returns: frozen results, their statuses and what they generalise to.

A result is made by its own constructor, from keywords, and by nothing else. Functions of many
tables at once fill it with arrays; `single` makes it that of one table. Effects are fractions of
problems (0.023), never percentage points; nothing is rounded here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeVar

from analysis.vocabulary import Scope, Status
from sql.errors import Refusal as Refusal
from sql.html_tables import html_table

# One number, or (where counts were given as arrays) an array of one shape throughout.
Numbers = float | NDArray[Any]
N = TypeVar("N", bound=Numbers, default=float)
Statuses = Status | str | NDArray[np.str_]

OK: Status = "ok"
NO_INFORMATION: Status = "no_information"
DEGENERATE: Status = "degenerate"
TOO_FEW_CONTROLS: Status = "too_few_controls"
CORRELATED_CONTROLS: Status = "correlated_controls"
TEST_INTERVAL_DISAGREE: Status = "test_interval_disagree"
NOT_CONVERGED: Status = "not_converged"
STOPPED: Status = "stopped"

THESE_PROBLEMS: Scope = "these problems only"
NEW_PROBLEMS: Scope = "new problems"
NEW_DIRECTIONS: Scope = "new directions"
NEW_BOTH: Scope = "new problems and directions"

# The smallest positive normal double: a p-value below it is reported as this upper bound, not 0.0.
SMALLEST_P = float(np.finfo(float).tiny)

# Values of an array that a notebook shows.
_MOST_SHOWN = 6

# What every result is written with, so that results of all kinds make one table.
_KEYS = (
    *("method", "estimate", "n", "low", "high", "level", "p", "statistic"),
    *("status", "scope", "dropped", "dropped_what", "selected_on_outcome"),
)


def written(*keys: str) -> dict[str, tuple[str, ...]]:
    """Metadata of a field that is written under `keys`, by which stores and claims know it."""
    return {"keys": keys}


@dataclass(frozen=True, kw_only=True)
class Result(Generic[N]):
    """What every statistic says of itself."""

    method: str
    """What was computed, e.g. ``"mcnemar midp"``."""

    n: N
    """Problems, or whatever the unit is, that the statistic is about."""

    status: Statuses = OK
    """One of `analysis.vocabulary.Status`; an array of them where counts were arrays."""

    scope: Scope = NEW_PROBLEMS
    """What the result generalises to."""

    dropped: Numbers = 0
    """How many units the method left out: ties, missing outcomes, failed fits."""

    dropped_what: str = ""
    """What those units are."""

    selected_on_outcome: bool = False
    """The problems were chosen by the outcome that is tested; set by `stamped`."""

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain Python values (arrays as lists), ready for JSON.

        Infinities, which JSON lacks, become the text ``"inf"`` or ``"-inf"``; a NaN becomes None.
        """
        row: dict[str, Any] = dict.fromkeys(_KEYS)
        row |= {key: json_value(getattr(self, name)) for key, name in keys_of(self).items()}
        return row

    def _repr_html_(self) -> str:
        """What a notebook shows: every field that holds something, numbers to six digits."""
        values = ((entry.name, getattr(self, entry.name)) for entry in fields(self))
        rows = [(name, _shown(value)) for name, value in values if value is not None]
        return html_table(f"{type(self).__name__}: {self.method}", rows)


@dataclass(frozen=True, kw_only=True)
class Estimate(Result[N]):
    """An effect, with the interval and the test that its method has."""

    estimate: N
    """The effect; a fraction of problems unless the function says otherwise."""

    low: N | None = None
    """Lower limit of the interval; None where the method has none."""

    high: N | None = None
    """Upper limit of the interval."""

    confidence: float | None = field(default=None, metadata=written("level"))
    """Coverage asked of the interval, e.g. 0.95."""

    p: N | None = None
    """P-value; None where the method has no test. Never 0.0: see `SMALLEST_P`."""

    statistic: N | None = None
    """The test statistic, where it has a name of its own."""


@dataclass(frozen=True, kw_only=True)
class Interval(Estimate[N]):
    """An effect of which the method always gives an interval."""

    low: N = field()
    high: N = field()
    confidence: float = field(metadata=written("level"))


AnyResult = TypeVar("AnyResult", bound=Result[Any])


def keys_of(result: Result[Any]) -> dict[str, str]:
    """The name of the field behind each key that a result is written with."""
    return {
        key: entry.name
        for entry in fields(result)
        for key in entry.metadata.get("keys", (entry.name,))
    }


def stamped(result: AnyResult) -> AnyResult:
    """`result`, marked as one of problems that were chosen by their outcome.

    A set that was balanced on the tested baseline, say, represents nothing but itself: whatever
    spoke of new problems now speaks of these only. What speaks of new directions on these
    problems keeps its scope. Results within the result are marked as well.
    """
    if not isinstance(result, Result):
        raise Refusal(f"only a result can be stamped, found {type(result).__name__}")
    inner = {entry.name: getattr(result, entry.name) for entry in fields(result)}
    inner = {name: stamped(value) for name, value in inner.items() if isinstance(value, Result)}
    scope = result.scope if result.scope == NEW_DIRECTIONS else THESE_PROBLEMS
    return replace(result, scope=scope, selected_on_outcome=True, **inner)


def single(result: AnyResult) -> AnyResult:
    """`result` of one table, computed as arrays of one element, with Python values instead."""
    values = {entry.name: getattr(result, entry.name) for entry in fields(result)}
    arrays = {k: v for k, v in values.items() if isinstance(v, np.ndarray | np.generic)}
    return replace(result, **{k: np.ravel(v)[0].item() for k, v in arrays.items()})


def json_value(value: Any) -> Any:
    """`value` without numpy types, nested results as dictionaries."""
    if isinstance(value, Result):
        return value.as_dict()
    if isinstance(value, np.ndarray):
        return [json_value(item) for item in value.tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [json_value(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def _shown(value: Any) -> str:
    """A field for a reader: numbers to six digits, an array by its first values."""
    if isinstance(value, Result):
        return f"{type(value).__name__}: {value.method} (a result of its own)"
    if isinstance(value, np.ndarray):
        flat = value.ravel()
        more = f", … ({value.size} values)" if value.size > _MOST_SHOWN else ""
        return ", ".join(_shown(item) for item in flat[:_MOST_SHOWN]) + more
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    return str(value)


def floor_p(p: Any) -> Any:
    """`p` with underflow replaced by the smallest positive normal double (an upper bound)."""
    return np.clip(p, SMALLEST_P, 1.0)
