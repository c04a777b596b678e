"""Control directions: what a candidate must be compared with before it means anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def random_per_position(direction: Array, rng: np.random.Generator) -> Array:
    """Random directions with the candidate's norm at *each* position.

    Args:
        direction: the candidate's vectors, [T, d].
        rng: the source of randomness.

    Returns:
        [T, d]: each row uniform on the sphere, scaled to the norm of the candidate's row.
    """
    direction = np.asarray(direction, dtype=np.float64)
    drawn = rng.standard_normal(direction.shape)
    drawn /= np.linalg.norm(drawn, axis=-1, keepdims=True)
    return drawn * np.linalg.norm(direction, axis=-1, keepdims=True)


def random_total_norm(direction: Array, rng: np.random.Generator) -> Array:
    """A random direction with the candidate's norm *in total*, as the report drew its controls.

    Positions share the norm about evenly, whatever the candidate's do: with a candidate whose
    push sits in few positions, this control pushes elsewhere, and is no match.

    Args:
        direction: the candidate's vectors, [T, d].
        rng: the source of randomness.

    Returns:
        [T, d]: uniform on the sphere of all T * d coordinates, scaled to the candidate's norm.
    """
    direction = np.asarray(direction, dtype=np.float64)
    drawn = rng.standard_normal(direction.shape)
    return drawn * (np.linalg.norm(direction) / np.linalg.norm(drawn))


def shuffled_labels(
    labels: Array, rng: np.random.Generator, *, strata: Array | None = None
) -> NDArray[np.bool_]:
    """The labels in random order, within each stratum where strata are given.

    A direction fitted on them has everything of the candidate (the recipe, the activations'
    geometry) but the information. It is shorter than the candidate as a rule; scale it with
    `with_norms_of` where the dose must be equal.
    """
    labels = np.asarray(labels, dtype=bool)
    shuffled = labels.copy()
    groups = np.zeros(len(labels), dtype=np.int64) if strata is None else np.asarray(strata)
    for level in np.unique(groups):
        rows = np.flatnonzero(groups == level)
        shuffled[rows] = labels[rng.permutation(rows)]
    return shuffled


def with_norms_of(direction: Array, vectors: Array) -> Array:
    """`vectors` [T, d] scaled, position by position, to the norms of `direction` [T, d]."""
    vectors = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    wanted = np.linalg.norm(np.asarray(direction, dtype=np.float64), axis=-1, keepdims=True)
    return vectors * np.divide(wanted, norms, out=np.zeros_like(norms), where=norms > 0)


CONTROLS: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "random_per_position": random_per_position,
    "random_total_norm": random_total_norm,
}
