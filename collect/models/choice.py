"""The model that a command asks for: checked at the door, loaded when all else is checked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from collect.models import checkpoints
from collect.models.model import Model
from collect.models.sources import find_here


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """A model with the options of `load_model`, every one of them checked (see `choose_model`)."""

    path_or_name: str | Path
    base: str | Path | None
    lora_alpha: float
    device: str
    dtype: str

    def load(self) -> Model:
        """The model itself. Raises UserError where a file is damaged (see `load_model`)."""
        return checkpoints.load_model(**asdict(self))


def choose_model(
    path_or_name: str | Path = "bundled",
    *,
    base: str | Path | None = None,
    lora_alpha: float = checkpoints.PUBLISHED_LORA_ALPHA,
    device: str = "auto",
    dtype: str = "float32",
) -> ModelChoice:
    """The options of `load_model`, checked without reading a weight or asking the hub.

    Raises:
        UserError: no model is there, or the device or dtype is unknown.
    """
    checkpoints.checked_device(device)
    checkpoints.checked_dtype(dtype)
    find_here(path_or_name)
    if base is not None:
        find_here(base, weights=False)
    return ModelChoice(
        path_or_name=path_or_name, base=base, lora_alpha=lora_alpha, device=device, dtype=dtype
    )
