"""Steering that only breaks the form of answers: what dropping the unread ones invents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.calibration.rows import Effort, Row, noisy_runs, rate
from analysis.calibration.searches import ALPHAS
from analysis.statistics.dose import dose_response
from analysis.statistics.flips import Region, extremes
from analysis.statistics.missing import missingness_trend
from analysis.statistics.paired import mid_p
from analysis.vocabulary import SIGNIFICANCE

# Two runs disagree on a fifth of the problems: half of that are losses at a dose.
DISCORDANCE = 0.20
# Share of the would-be losses at a positive dose of which the answer is cut off: 9 % of problems.
CUT_OFF = 0.9
# Share of all answers that is cut off whatever the dose, where missingness is even.
EVEN = 0.03


def missing_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """No effect at any dose; nine tenths of the losses at positive doses are cut off."""
    for n in effort.problems:
        hits: dict[str, list[bool]] = {}
        for _ in range(effort.searches):
            runs = noisy_runs(rng, (n, 1 + len(ALPHAS)), DISCORDANCE)
            base, right = runs[:, 0], runs[:, 1:]
            lost = (right < base[:, None]) & (ALPHAS > 0)
            _counted(base, right, lost & (rng.random(lost.shape) < CUT_OFF), effort, rng, hits)
            even = rng.random((n, 1 + len(ALPHAS))) < EVEN
            trend = missingness_trend(even.astype(float), np.append(0.0, ALPHAS))
            hits.setdefault("Mantel's trend of even missingness", []).append(
                trend.p <= SIGNIFICANCE
            )
        for method, values in hits.items():
            asked = method.endswith("primary") or method.startswith("Mantel's trend of even")
            yield rate(
                "missing",
                method,
                "power" if "losses" in method else "size",
                values,
                {"n": n, "cut off": CUT_OFF * DISCORDANCE / 2},
                mark=(0.0, 0.06) if asked else None,
            )


def _counted(
    base: Any, right: Any, unread: Any, effort: Effort, rng: np.random.Generator, hits: Any
) -> None:
    """One data set by the primary estimand, by complete cases, and over every reading."""
    read = ~unread
    gained = int((right[:, -1] > base).sum())
    complete = int(((right[:, -1] < base) & read[:, -1]).sum())
    open_losses = int(unread[:, -1].sum())
    worst = extremes(Region(gained, complete, 0, open_losses, 0, len(base)), 1 - SIGNIFICANCE)
    options: dict[str, Any] = {"rng": rng, "baseline": base, "resamples": effort.resamples}
    trend = dose_response(right, ALPHAS, **options).p
    dropped = dose_response(np.where(read, right, np.nan), ALPHAS, **options).p
    missing = missingness_trend(
        np.column_stack([np.zeros(len(base)), unread]), np.append(0.0, ALPHAS)
    )
    decisions = {
        "mid-p at the largest dose, primary": _rejects(gained, complete + open_losses),
        "mid-p at the largest dose, complete cases (wrong)": _rejects(gained, complete),
        "mid-p under every reading": bool(worst.agrees[0] and worst.first_decision[0] != 0),
        "reflection trend, primary": trend <= SIGNIFICANCE + 1e-12,
        "reflection trend, complete cases (wrong)": dropped <= SIGNIFICANCE + 1e-12,
        "Mantel's trend of cut-off losses": missing.p <= SIGNIFICANCE,
    }
    for method, hit in decisions.items():
        hits.setdefault(method, []).append(bool(hit))


def _rejects(gained: int, lost: int) -> bool:
    return bool(mid_p(np.array([gained]), np.array([lost]))[0] <= SIGNIFICANCE)
