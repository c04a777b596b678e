"""steering-bench: propensities as `.npy` [examples x multipliers], `multipliers.npy` beside it.

Examples have no ids: their order is the only key. Propensities are differences of logits, kept as
scores; `--right-from 0` says where the wanted answer is the likelier one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from sql.errors import UserError, first_line
from store.exchange.source import Entries, Format, Source

_DIRECTION = "steering_vector"
_SCORE = "propensity"


def _entries(source: Source) -> Entries:
    values = _load(source.path)
    multipliers = _load(source.path.with_name("multipliers.npy"))
    if values.ndim != 2 or multipliers.shape != values.shape[1:]:
        raise UserError(
            f"{source.name} is examples x multipliers, found {values.shape} and multipliers.npy "
            f"with {multipliers.shape}"
        )
    for i, line in enumerate(values.tolist()):
        for multiplier, value in zip(multipliers.tolist(), line, strict=True):
            row = {
                "problem": f"example {i}",
                "alpha": multiplier,
                "score": value,
                "score_name": _SCORE,
            }
            yield f"{source.name} example {i}", {**row, "condition": _DIRECTION}


def _load(path: Path) -> npt.NDArray[np.float64]:
    try:
        return np.load(path, allow_pickle=False).astype(np.float64)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path} as npy: {first_line(error)}") from error


FORMAT = Format(
    name="steering-bench",
    fits=lambda source: source.path.suffix == ".npy",
    entries=_entries,
)
