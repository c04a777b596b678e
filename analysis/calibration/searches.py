"""Many alphas on the same problems, curves, strata, and families of tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.calibration.rows import Effort, Row, noisy_runs, rate
from analysis.statistics.dose import dose_response
from analysis.statistics.families import adjust, cochrans_q
from analysis.statistics.paired import mid_p
from analysis.statistics.selection import best_alpha
from analysis.statistics.signflips import max_t
from analysis.statistics.strata import stratified_difference, stratum_homogeneity
from analysis.vocabulary import SIGNIFICANCE

ALPHAS = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
# Accuracy lost per unit of |alpha| where damage is even.
DAMAGE = 0.05
STRATA = 3


def searches_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """Six alphas without any effect: family-wise size, the search, and the split's interval."""
    for n in effort.problems:
        for discordance in effort.discordances:
            hits: dict[str, list[bool]] = {}
            for _ in range(effort.searches):
                runs = noisy_runs(rng, (n, 1 + len(ALPHAS)), discordance)
                _search_once(runs[:, 1:], runs[:, 0], effort, rng, hits)
            floor = 0.03 if n * discordance >= 10 else 0.0
            for method, values in hits.items():
                asked = method.split(",")[0] in ("max-T", "best alpha")
                covers = "band" in method or "interval" in method
                yield rate(
                    "searches",
                    method,
                    "coverage" if covers else "size",
                    values,
                    {"n": n, "discordance": discordance},
                    mark=(floor, 0.055) if asked and not covers else None,
                )


def _search_once(
    y: Any, b: Any, effort: Effort, rng: np.random.Generator, hits: dict[str, list[bool]]
) -> None:
    largest = max_t(y, b, rng=rng, resamples=effort.resamples)
    best = best_alpha(y, b, rng=rng, resamples=effort.resamples)
    gained = (y > b[:, None]).sum(axis=0)
    lost = (y < b[:, None]).sum(axis=0)
    alone = mid_p(gained, lost)
    holm = adjust(alone, method="holm", family_size=len(alone))
    decisions = {
        "max-T": largest.p.min() <= SIGNIFICANCE + 1e-12,
        "best alpha, search": best.p_search <= SIGNIFICANCE + 1e-12,
        "best alpha, max-T": best.p_max_t <= SIGNIFICANCE + 1e-12,
        "Holm of six mid-p": holm.p.min() <= SIGNIFICANCE,
        "best alpha's own mid-p (wrong)": best.naive_p <= SIGNIFICANCE,
        "simultaneous band": bool(((largest.low <= 0) & (largest.high >= 0)).all()),
        "interval from the split": best.low <= 0 <= best.high,
        "interval of the winner (wrong)": best.naive_low <= 0 <= best.naive_high,
    }
    for method, hit in decisions.items():
        hits.setdefault(method, []).append(bool(hit))


def curves_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """Even damage without a signed effect, and a planted slope."""
    for n in effort.problems:
        for noise in effort.discordances:
            for slope in (0.0, 0.02):
                trend, inside, damage, reordered = [], [], [], []
                for _ in range(effort.searches):
                    y, b = _curve(rng, n, noise, slope)
                    response = dose_response(
                        y, ALPHAS, rng=rng, baseline=b, resamples=effort.resamples
                    )
                    trend.append(response.p <= SIGNIFICANCE + 1e-12)
                    inside.append(response.low <= slope <= response.high)
                    damage.append(response.damage.p.min() <= SIGNIFICANCE + 1e-12)
                    reordered.append(response.against_rising <= SIGNIFICANCE + 1e-12)
                setting = {"n": n, "noise": noise, "slope": slope, "damage": DAMAGE}
                yield rate(
                    "curves",
                    "reflection trend",
                    "power" if slope else "size",
                    trend,
                    setting,
                    mark=None if slope else (0.0, 0.06),
                )
                yield rate("curves", "slope, t interval", "coverage", inside, setting)
                yield rate("curves", "damage, max-T", "power", damage, setting)
                yield rate("curves", "falls somewhere", "power", reordered, setting)


def _curve(rng: np.random.Generator, n: int, noise: float, slope: float) -> tuple[Any, Any]:
    """Runs of problems with a luck of their own, redrawn with a rate that gives the noise."""
    doses = np.concatenate([[0.0], ALPHAS])
    accuracy = 0.6 + slope * doses - DAMAGE * np.abs(doses)
    share = 1 - np.sqrt(max(0.0, 1 - noise / (2 * 0.6 * 0.4)))
    fresh = rng.random((n, len(doses))) < share
    luck = np.where(fresh, rng.random((n, len(doses))), rng.random((n, 1)))
    y = (luck < accuracy).astype(float)
    return y[:, 1:], y[:, 0]


def strata_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """Three strata with the same effect, and Cochran's Q over equal alphas."""
    size = max(100, min(2000, effort.tables // 10))
    for n in effort.problems:
        for discordance in effort.discordances:
            each = np.full(STRATA, n // STRATA)
            rates = discordance * np.array([0.5, 1.0, 1.5])
            exact, chi2, points, contrast = [], [], [], []
            for _ in range(size):
                changed = rng.binomial(each, rates)
                gained = rng.binomial(changed, 0.5)
                odds = stratum_homogeneity(gained, changed - gained)
                stratified = stratified_difference(gained, changed - gained, each)
                exact.append(odds.p <= SIGNIFICANCE)
                chi2.append(odds.chi2_p <= SIGNIFICANCE)
                points.append(stratified.heterogeneity_p <= SIGNIFICANCE)
                contrast.append(stratified.contrast_low <= 0 <= stratified.contrast_high)
            setting = {"n": n, "discordance": discordance}
            yield rate("strata", "Fisher–Freeman–Halton", "size", exact, setting)
            yield rate("strata", "χ² of the odds", "size", chi2, setting)
            yield rate("strata", "heterogeneity in points", "size", points, setting)
            yield rate("strata", "contrast in points", "coverage", contrast, setting)
            q = [
                cochrans_q(noisy_runs(rng, (n, 5), discordance)).p <= SIGNIFICANCE
                for _ in range(effort.searches)
            ]
            yield rate("strata", "Cochran's Q, 5 conditions", "size", q, setting)
