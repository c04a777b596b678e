"""Laplace's likelihood of binomial cells with crossed normal effects of problems and directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[Any]

_NEWTON_STEPS = 100
_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Cells:
    """Right answers and answers, shape (n, 1 + k): the first column is the baseline."""

    right: Array
    answers: Array

    @property
    def sides(self) -> Array:
        """−1/2 for the baseline, 1/2 for each direction: the coding of steering."""
        return np.where(np.arange(self.right.shape[1]) == 0, -0.5, 0.5)


@dataclass
class Mode:
    """The most likely random effects (standardised), from which the next search starts."""

    level: Array
    answer: Array
    direction: Array

    @classmethod
    def of(cls, cells: Cells) -> Mode:
        """No effects at all."""
        n, columns = cells.right.shape
        return cls(np.zeros(n), np.zeros(n), np.zeros(columns - 1))


def log_likelihood(
    cells: Cells, intercept: float, effect: float, sd: tuple[float, float, float], mode: Mode
) -> float:
    """Laplace's approximation, to within the binomial coefficients; `mode` moves to the new mode.

    logit P(right) = intercept + side · effect + level + side · answer, and + direction if steered;
    level, answer (of each problem) and direction are normal with the three `sd`.
    """
    side = cells.sides
    fixed = intercept + side * effect

    def predictor(one: Mode) -> Array:
        """Log-odds [problems, answers] at a mode."""
        eta = fixed + sd[0] * one.level[:, None] + sd[1] * side * one.answer[:, None]
        eta[:, 1:] += sd[2] * one.direction
        return eta

    def penalised(one: Mode, eta: Array) -> float:
        """Log-likelihood less half the squares of the random effects."""
        likelihood = float((cells.right * eta - cells.answers * np.logaddexp(0.0, eta)).sum())
        size = one.level @ one.level + one.answer @ one.answer + one.direction @ one.direction
        return likelihood - float(size) / 2

    eta = predictor(mode)
    value = penalised(mode, eta)
    for _ in range(_NEWTON_STEPS):
        mean = special.expit(eta)
        weight, rest = cells.answers * mean * (1 - mean), cells.right - cells.answers * mean
        curvature = _Curvature(weight, side, sd)
        step = curvature.solve(
            sd[0] * rest.sum(axis=1) - mode.level,
            sd[1] * (rest @ side) - mode.answer,
            sd[2] * rest[:, 1:].sum(axis=0) - mode.direction,
        )
        size = 1.0
        while True:
            moved = Mode(
                mode.level + size * step[0],
                mode.answer + size * step[1],
                mode.direction + size * step[2],
            )
            eta = predictor(moved)
            gained = penalised(moved, eta) - value
            if gained >= -1e-12 or size < 1e-6:
                break
            size /= 2
        mode.level, mode.answer, mode.direction = moved.level, moved.answer, moved.direction
        value += gained
        if gained < _TOLERANCE:
            break
    mean = special.expit(eta)
    final = _Curvature(cells.answers * mean * (1 - mean), side, sd)
    return value - final.log_determinant / 2


class _Curvature:
    """Minus the second derivative: 2 × 2 blocks of problems, and directions crossed with them."""

    def __init__(self, weight: Array, side: Array, sd: tuple[float, float, float]) -> None:
        total, tilt = weight.sum(axis=1), weight @ side
        self.level = 1 + sd[0] ** 2 * total
        self.both = sd[0] * sd[1] * tilt
        self.answer = 1 + sd[1] ** 2 * (weight @ side**2)
        self.determinant = self.level * self.answer - self.both**2
        steered = sd[2] * weight[:, 1:]
        self.cross_level, self.cross_answer = sd[0] * steered, sd[1] * steered / 2
        # Blocks of problems are eliminated; what is left is k × k.
        first, second = self._blocks(self.cross_level, self.cross_answer)
        self.left = np.diag(1 + sd[2] * steered.sum(axis=0))
        self.left = self.left - self.cross_level.T @ first - self.cross_answer.T @ second

    def _blocks(self, level: Array, answer: Array) -> tuple[Array, Array]:
        """Solutions of the problems' own 2 × 2 systems, for vectors or for matrices."""
        shape = (-1,) + (1,) * (level.ndim - 1)
        a, b, c, d = (
            one.reshape(shape) for one in (self.level, self.both, self.answer, self.determinant)
        )
        return (c * level - b * answer) / d, (a * answer - b * level) / d

    def solve(self, level: Array, answer: Array, direction: Array) -> tuple[Array, Array, Array]:
        first, second = self._blocks(level, answer)
        right = direction - self.cross_level.T @ first - self.cross_answer.T @ second
        moved = np.linalg.solve(self.left, right)
        back = self._blocks(level - self.cross_level @ moved, answer - self.cross_answer @ moved)
        return back[0], back[1], moved

    @property
    def log_determinant(self) -> float:
        return float(np.log(self.determinant).sum() + np.linalg.slogdet(self.left)[1])
