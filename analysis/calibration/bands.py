"""Simultaneous bands where alphas have real effects and few problems change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.calibration.rows import Effort, Row, rate
from analysis.statistics.dose import dose_response
from analysis.statistics.intervals import paired_difference
from analysis.statistics.signflips import max_t

# Shares of problems that six alphas (−3, −2, −1, 1, 2, 3) lose and gain.
CURVES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "2 % lost at all": ((0.02,) * 6, (0.0,) * 6),
    "0 to 8 % lost": ((0.08, 0.04, 0.02, 0.0, 0.0, 0.01), (0.0,) * 6),
    "1 % gained, 3 % lost": ((0.03,) * 6, (0.01,) * 6),
    "10 % gained, 20 % lost": ((0.20,) * 6, (0.10,) * 6),
}
DOSES = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
ACCURACY = 0.6


def bands_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """All six effects, or all three dampings, within their bands at once."""
    for n in effort.problems:
        for name, (lost, gained) in CURVES.items():
            effects = np.array(gained) - np.array(lost)
            damage = (effects[3:] + effects[2::-1]) / 2
            slope = float((effects * DOSES).sum() / (DOSES**2).sum())
            hits: dict[str, list[bool]] = {}
            for _ in range(effort.searches):
                y, baseline = _outcomes(rng, n, np.array(lost), np.array(gained))
                band = max_t(y, baseline, rng=rng, resamples=effort.resamples)
                curve = dose_response(
                    y, DOSES, rng=rng, baseline=baseline, resamples=effort.resamples
                )
                alone: Any = paired_difference(
                    (y > baseline[:, None]).sum(axis=0), (y < baseline[:, None]).sum(axis=0), n
                )
                for method, within in (
                    ("simultaneous band", _within(band, effects)),
                    ("band of the damage", _within(curve.damage, damage)),
                    ("interval of the slope", curve.low <= slope <= curve.high),
                    ("six Tango intervals (wrong)", _within(alone, effects)),
                ):
                    hits.setdefault(method, []).append(bool(within))
            for method, values in hits.items():
                mark = (0.93, 1.0) if method == "simultaneous band" else None
                setting = {"n": n, "effects": name}
                yield rate("bands", method, "coverage", values, setting, mark=mark)


def _within(band: Any, truth: Any) -> bool:
    return bool(((band.low <= truth + 1e-12) & (truth - 1e-12 <= band.high)).all())


def _outcomes(rng: np.random.Generator, n: int, lost: Any, gained: Any) -> tuple[Any, Any]:
    """Baseline right with probability .6; each alpha loses and gains by draws of its own."""
    baseline = rng.random(n) < ACCURACY
    draw = rng.random((n, len(lost)))
    flips = np.where(baseline[:, None], draw < lost / ACCURACY, draw < gained / (1 - ACCURACY))
    return (baseline[:, None] ^ flips).astype(float), baseline.astype(float)
