"""A candidate's curve over alpha against its controls' curves: every dose, and a model of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.checks import Floats, answers, draws, generator, level, numbers
from analysis.statistics.controls import rank_floor
from analysis.statistics.results import OK, TOO_FEW_CONTROLS, Estimate, Refusal
from analysis.statistics.score import shares
from analysis.statistics.signflips import Array, MaxT, family_of_flips


@dataclass(frozen=True, kw_only=True)
class DoseComparison(Estimate[Any]):
    """Candidate − mean(controls) at each of `alphas`; arrays over them, all limits at once.

    `low`, `high` and `p` flip *problems* (max-T): new problems, these directions. `p_directions`
    exchanges *directions*: how far the candidate lies out at a dose, among the most outlying dose
    of each direction; new directions, these problems, never below `rank_floor`. `model` holds the
    coefficients named in `terms` (per unit of alpha, and of |alpha|), `model_p_directions` the same
    of them.
    """

    estimate: Floats
    low: Floats = field()
    high: Floats = field()
    p: Floats = field()
    p_directions: Floats
    """P at each dose by exchanging directions, adjusted over doses."""

    alphas: Floats
    """Doses, rising."""

    k: int
    """Controls."""

    rank_floor: float
    """The smallest p that exchanging directions can give."""

    terms: tuple[str, ...]
    """Names of the coefficients of `model`."""

    model: MaxT
    """Coefficients over all doses, candidate − mean of controls, tested by flipping problems."""

    model_p_directions: Floats
    """P of each coefficient by exchanging directions."""


def dose_against_controls(
    candidate: ArrayLike,
    controls: ArrayLike,
    alphas: Sequence[float] | Floats,
    *,
    rng: np.random.Generator,
    resamples: int = 9999,
    confidence: float = 0.95,
) -> DoseComparison:
    """Compare a candidate's dose–response curve with the mean curve of its controls.

    Args:
        candidate: array, shape (n, m). Outcome of each problem at each alpha ≠ 0: 0/1, or a mean
            over seeds; NaN: missing. The baseline cancels.
        controls: array, shape (k, n, m). The same problems at the same alphas, k ≥ 2.
        alphas: m numbers.

    Notes:
        Each problem's difference D(a) to the mean of the controls is tested at every dose by one
        sign per problem (its whole row), and modelled by least squares as slope · a + even · |a|:
        the slope is what the direction's sign does more than the controls' signs do, the even part
        what it pushes harder; where all alphas have one sign, the slope alone. Under the null the
        rows are symmetric about 0. For new directions the k + 1 curves are exchangeable (same norm,
        construction and search; independent): each is standardised by the others at each dose, and
        its largest |t| over doses ranked. Problems without an outcome everywhere are dropped.

    Raises:
        Refusal: shapes that do not match, too few controls or problems, an alpha of 0 or twice.

    References:
        Dunnett (1955), JASA 50, 1096–1121 (comparisons with a control); Westfall & Young (1993),
        Resampling-Based Multiple Testing.
    """
    generator(rng)
    confidence, resamples = level("confidence", confidence), draws(resamples)
    own, others, doses, dropped = _checked(candidate, controls, alphas)
    k, n, _ = others.shape
    bounded = shares(candidate, controls)
    options: dict[str, Any] = {"rng": rng, "resamples": resamples, "confidence": confidence}
    d = own - others.mean(axis=0)
    at_doses = family_of_flips(d, np.full(len(doses), n), unit=1.0 if bounded else None, **options)
    terms, weights = _model(doses)
    # In units of the largest coefficient that differences within [−1, 1] can give.
    largest = np.abs(weights).sum(axis=0)
    rows = d @ weights / largest
    model = family_of_flips(rows, np.full(len(terms), n), unit=1.0 if bounded else None, **options)
    means = np.concatenate([own.mean(axis=0)[None], others.mean(axis=1)])
    floor = rank_floor(k, tail="greater")
    return DoseComparison(
        method="candidate − mean(controls) over doses, max-T",
        estimate=at_doses.estimate,
        n=n,
        low=at_doses.low,
        high=at_doses.high,
        confidence=confidence,
        p=at_doses.p,
        statistic=at_doses.statistic,
        status=TOO_FEW_CONTROLS if floor > 1 - confidence + 1e-12 else OK,
        dropped=dropped,
        dropped_what="problems without an outcome at every alpha under every direction",
        p_directions=among_directions(means),
        alphas=doses,
        k=k,
        rank_floor=floor,
        terms=terms,
        model=_scaled(model, largest),
        model_p_directions=among_directions(means @ weights),
    )


def among_directions(effects: Array) -> Floats:
    """Adjusted p of the first row of effects, shape (k + 1, m), among all rows, by rank of max |t|.

    t is of each row against the mean and standard deviation of the others.
    """
    count = len(effects) - 1
    total, squares = effects.sum(axis=0), (effects**2).sum(axis=0)
    mean = (total - effects) / count
    variance = np.maximum((squares - effects**2) / count - mean**2, 0.0)
    gap = np.abs(effects - mean)
    # Differences and spreads below rounding are none.
    scale = 1e-9 * np.abs(effects).max(axis=0, initial=0.0)
    gap, spread = np.where(gap <= scale, 0.0, gap), np.sqrt(variance)
    spread = np.where(spread <= scale * np.sqrt(count), 0.0, spread)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(gap == 0, 0.0, gap / spread)
    largest = t.max(axis=1)
    reached = largest[1:, None] >= t[0] * (1 - 1e-9)
    return (1 + reached.sum(axis=0)) / (count + 1)


def _model(doses: Floats) -> tuple[tuple[str, ...], Floats]:
    """Names of the terms, and the weights (doses × terms) that give their least-squares fit."""
    signs = set(np.sign(doses))
    columns = [doses, np.abs(doses)] if len(signs) == 2 else [doses]
    design = np.stack(columns, axis=1)
    names = ("per unit of alpha", "per unit of |alpha|")[: len(columns)]
    return names, np.linalg.pinv(design).T


def _scaled(found: MaxT, unit: Floats) -> MaxT:
    return replace(
        found,
        estimate=found.estimate * unit,
        low=found.low * unit,
        high=found.high * unit,
    )


def _checked(
    candidate: ArrayLike, controls: ArrayLike, alphas: Sequence[float] | Floats
) -> tuple[Floats, Floats, Floats, int]:
    own = answers("candidate", candidate)
    others = answers("controls", controls)
    doses = numbers("alphas", alphas)
    if own.ndim != 2 or others.ndim != 3 or others.shape[1:] != own.shape or not own.size:
        raise Refusal(
            f"candidate must be (n, m) and controls (k, n, m), found {own.shape} and "
            f"{others.shape}: average seeds within a problem first"
        )
    if doses.shape != own.shape[1:] or (doses == 0).any() or len(set(doses)) < doses.size:
        raise Refusal(
            f"alphas must be the {own.shape[1]} different ones ≠ 0 of the columns, found "
            f"{doses.tolist()}: the baseline cancels and is left out"
        )
    if len(others) < 2:
        raise Refusal(f"{len(others)} control: a spread of directions needs at least two")
    complete = ~(np.isnan(own).any(axis=1) | np.isnan(others).any(axis=(0, 2)))
    if complete.sum() < 2:
        raise Refusal(f"{complete.sum()} problems have an outcome everywhere: 2 are needed")
    return own[complete], others[:, complete], doses, int((~complete).sum())
