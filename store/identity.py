"""Content identity: what makes a problem, a model, a direction or a condition the same one.

Every id is the first 32 hex characters of the sha256 of one canonical JSON, so that two
collectors agree on ids without talking to each other.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from sql.errors import UserError, first_line
from store.answers import canonical_answer

ID_LENGTH = 32


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, ASCII, floats by repr.

    Whole floats and integers stay apart (`1.0` and `1`): callers convert. Minus zero is zero.

    Raises:
        UserError: If the value holds a NaN or an infinity, or something that JSON cannot say.
    """
    try:
        return json.dumps(
            _json_value(value),
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=True,
            allow_nan=False,
        )
    except (TypeError, ValueError) as error:
        raise UserError(f"cannot make an id from {value!r}: {first_line(error)}") from error


def _json_value(value: Any) -> Any:
    """Python scalars and containers only; numpy scalars and arrays are unwrapped."""
    if isinstance(value, float):
        return 0.0 if value == 0 else float(value)
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _json_value(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return _json_value(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [_json_value(item) for item in value]
    return value


def content_id(fields: Mapping[str, Any]) -> str:
    """The id (32 hex characters) of identifying fields. Raises UserError as `canonical_json`."""
    return hashlib.sha256(canonical_json(fields).encode()).hexdigest()[:ID_LENGTH]


def canonical_text(text: str) -> str:
    """A question as it counts for identity: stripped, every run of white space one space."""
    return " ".join(text.split())


def problem_id(question: str, answer: str) -> str:
    """Id of a problem: its canonical text and its gold answer in canonical form."""
    return content_id({"question": canonical_text(question), "answer": canonical_answer(answer)})


def model_id(*, weights_sha256: str, tokenizer_sha256: str, family: str) -> str:
    """Id of a model: its weights, its tokenizer and how it is run."""
    return content_id(
        {"weights_sha256": weights_sha256, "tokenizer_sha256": tokenizer_sha256, "family": family}
    )


def dose(alpha: float) -> float:
    """A dose as it enters an id: 12 significant digits, so that 0.1 + 0.2 is 0.3.

    >>> dose(0.1 + 0.2), dose(-0.0)
    (0.3, 0.0)
    """
    return float(f"{alpha:.12g}") + 0.0


def condition_id(
    *,
    model_id: str,
    direction_id: str | None,
    alpha: float,
    protocol: str,
    dtype: str,
    schedule: str | None = None,
    site: str | None = None,
    operator: str | None = None,
    effect: str | None = None,
    protocol_fields: Mapping[str, Any] | str | None = None,
    decoding: Mapping[str, Any] | str | None = None,
) -> str:
    """Id of a condition: everything that decides what is computed for a problem.

    `protocol_fields` and `decoding` may be given as mappings or as JSON text; `alpha` counts with
    12 significant digits (`dose`).

    Raises:
        UserError: If a baseline (direction_id None) carries a dose, schedule, site, operator or
            effect.
    """
    steering = {"schedule": schedule, "site": site, "operator": operator, "effect": effect}
    if direction_id is None and (alpha != 0 or any(v is not None for v in steering.values())):
        raise UserError(
            f"a condition without a direction is the baseline and takes no steering, found alpha "
            f"{alpha:g} and {steering}: leave them out"
        )
    if not math.isfinite(alpha):
        raise UserError(f"alpha must be finite, found {alpha!r}")
    return content_id(
        {
            "model_id": model_id,
            "direction_id": direction_id,
            "alpha": dose(alpha),
            **steering,
            "protocol": protocol,
            "protocol_fields": _parsed(protocol_fields),
            "decoding": _parsed(decoding),
            "dtype": dtype,
        }
    )


def direction_id(
    *, name: str, kind: str, role: str, site: str, vectors: Any, recipe: Mapping[str, Any] | str
) -> str:
    """Id of a direction: name, kind, role, site, recipe and its vectors as float32.

    `vectors` is an array [T, d] or [d]; its shape and bytes enter the id.
    """
    import numpy as np

    array = np.ascontiguousarray(vectors, dtype="<f4")
    return content_id(
        {
            "name": name,
            "kind": kind,
            "role": role,
            "site": site,
            "shape": list(array.shape),
            "vectors": hashlib.sha256(array.tobytes()).hexdigest(),
            "recipe": _parsed(recipe),
        }
    )


def _parsed(value: Mapping[str, Any] | str | None) -> Any:
    return json.loads(value) if isinstance(value, str) else value
