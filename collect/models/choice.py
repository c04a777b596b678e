"""The model that a command asks for: checked at the door, loaded when all else is checked."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from collect.models import checkpoints
from collect.models.fingerprint import PUBLISHED_LORA_ALPHA
from collect.models.model import Model
from collect.models.sources import find_here
from sql.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """A model with the options of `load_model`, every one of them checked (see `choose_model`)."""

    path_or_name: str | Path = "bundled"
    base: str | Path | None = None
    lora_alpha: float = PUBLISHED_LORA_ALPHA
    pad_id: int | None = None
    bot_id: int | None = None
    eot_id: int | None = None
    device: str = "auto"
    dtype: str = "float32"

    def load(self) -> Model:
        """The model itself. Raises UserError where a file is damaged (see `load_model`)."""
        return checkpoints.load_model(**asdict(self))


def choose_model(
    path_or_name: str | Path | None = None,
    *,
    base: str | Path | None = None,
    lora_alpha: float | None = None,
    pad_id: int | None = None,
    bot_id: int | None = None,
    eot_id: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
) -> ModelChoice:
    """A model, checked without reading a weight or asking the hub.

    Args:
        path_or_name, base, lora_alpha, pad_id, bot_id, eot_id, device, dtype: as `load_model`;
            None is one that was not given.

    Raises:
        UserError: no model is there, the device or dtype is unknown, or the scale of the LoRA is
            not above 0.
    """
    given: dict[str, Any] = {
        "path_or_name": path_or_name,
        "base": base,
        "lora_alpha": lora_alpha,
        "pad_id": pad_id,
        "bot_id": bot_id,
        "eot_id": eot_id,
        "device": device,
        "dtype": dtype,
    }
    choice = ModelChoice(**{key: value for key, value in given.items() if value is not None})
    if not 0 < choice.lora_alpha < math.inf:
        raise UserError(f"--lora-alpha {choice.lora_alpha:g} should be a number above 0")
    checkpoints.checked_ids(pad_id, bot_id, eot_id)
    checkpoints.checked_device(choice.device)
    checkpoints.checked_dtype(choice.dtype)
    find_here(choice.path_or_name)
    if choice.base is not None:
        find_here(choice.base, weights=False)
    return choice
