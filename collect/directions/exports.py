"""Directions as files for other programs: safetensors, npy, and GGUF control vectors."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collect.directions.directions import Direction
from collect.directions.vector_files import EXPORTED, sha256_of
from sql.errors import UserError
from store.identity import canonical_json
from store.names import checked_sites, residual_layer


def export_directions(directions: Sequence[Direction], out: Path) -> None:
    """Write directions to one new file, in the format that its name ends in.

    Args:
        directions: one; for GGUF any number, each of a layer of its own.
        out: `.safetensors` with name, kind, role, site, recipe, id and the SHA-256 of its numbers
            in the metadata; `.npy`; or `.gguf`, a control vector that llama.cpp adds where the
            direction was: `direction.<n>` at `residual:<n>`.

    Raises:
        UserError: the format is unknown or cannot say what the direction is, or the file is there.
    """
    writer = WRITERS.get(out.suffix.lower())
    if writer is None:
        raise UserError(
            f"{out}: directions are written as {', '.join(WRITERS)}, not {out.suffix!r}"
        )
    if out.exists():
        raise UserError(f"{out} is there already: give a new name")
    if not out.parent.is_dir():
        raise UserError(f"no folder {out.parent} to write {out.name} into")
    write = writer(directions)
    part = out.with_name(f".{out.name}.part")
    try:
        write(part)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _one(directions: Sequence[Direction]) -> Direction:
    if len(directions) > 1:
        names = ", ".join(direction.name for direction in directions[:5])
        raise UserError(
            f"one direction fits in a file, found {len(directions)} ({names}): name one"
        )
    return directions[0]


def _array(direction: Direction) -> NDArray[np.float32]:
    """Its vectors: [d] where one acts everywhere at one site, [n_sites * T, d] otherwise."""
    alike = direction.everywhere and len(direction.vectors) == 1
    return direction.vectors[0] if alike else direction.vectors


def _safetensors(directions: Sequence[Direction]) -> Callable[[Path], None]:
    from safetensors.numpy import save_file

    direction = _one(directions)
    array = _array(direction)
    metadata = {
        "format": EXPORTED,
        "name": direction.name,
        "kind": direction.kind,
        "role": direction.role,
        "site": direction.site,
        "rows": "everywhere" if direction.everywhere else "positions",
        "recipe": canonical_json(direction.recipe),
        "direction_id": direction.direction_id,
        "sha256": sha256_of(array),
    }
    return lambda path: save_file({"direction": array}, path, metadata=metadata)


def _npy(directions: Sequence[Direction]) -> Callable[[Path], None]:
    array = _array(_one(directions))

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, array, allow_pickle=False)

    return write


def _gguf(directions: Sequence[Direction]) -> Callable[[Path], None]:
    if importlib.util.find_spec("gguf") is None:
        raise UserError(
            "GGUF is written with the gguf package: pip install gguf (or 'steerstat[smollm]')"
        )
    by_layer: dict[int, Direction] = {}
    for direction in directions:
        array = _array(direction)
        layer = residual_layer(direction.site) if len(checked_sites(direction.site)) == 1 else None
        if layer is None or array.ndim != 1:
            raise UserError(
                f"direction {direction.name} ({list(array.shape)} at {direction.site}) is no "
                "control vector, which is one vector for all positions after a block: export it "
                "as .safetensors"
            )
        if layer == 0:
            raise UserError(
                f"direction {direction.name} acts at residual:0, where llama.cpp adds nothing "
                "(its first is direction.1): export it as .safetensors"
            )
        other = by_layer.setdefault(layer, direction)
        if other is not direction:
            raise UserError(
                f"{other.name} and {direction.name} both act at {direction.site}: a control "
                "vector has one direction per layer"
            )
        if len(array) != len(_array(directions[0])):
            raise UserError(
                f"{directions[0].name} and {direction.name} differ in width: a control vector is "
                "of one model"
            )

    def write(path: Path) -> None:
        from gguf import GGUFWriter

        file: Any = GGUFWriter(path, "controlvector")
        file.add_string("controlvector.model_hint", "steerstat")
        file.add_uint32("controlvector.layer_count", len(by_layer))
        for layer, direction in sorted(by_layer.items()):
            file.add_tensor(f"direction.{layer}", _array(direction))
        file.write_header_to_file()
        file.write_kv_data_to_file()
        file.write_tensors_to_file()
        file.close()

    return write


WRITERS: dict[str, Callable[[Sequence[Direction]], Callable[[Path], None]]] = {
    ".safetensors": _safetensors,
    ".npy": _npy,
    ".gguf": _gguf,
}
"""Formats by how the name of a file ends: what checks, and gives what writes."""
