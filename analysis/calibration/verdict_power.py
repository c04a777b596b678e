"""How likely a verdict is, before collecting: whole experiments through the rules of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import optimize, stats

from analysis.calibration.experiments import DOSES, World
from analysis.calibration.rows import Row
from analysis.calibration.verdicts import verdicts_reached
from analysis.report.verdicts import INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED
from analysis.statistics.checks import count, fraction, generator, number, numbers
from analysis.statistics.results import NEW_BOTH, Refusal, Result, written

# Experiments are kept in memory by the batch; larger ones than these are not planned with steering.
MOST_PROBLEMS, MOST_CONTROLS, MOST_DOSES, MOST_EXPERIMENTS = 10_000, 999, 12, 100_000
# Outcomes of one experiment: problems x directions x doses.
MOST_OUTCOMES = 10**8


@dataclass(frozen=True, kw_only=True)
class VerdictPower(Result):
    """The shares of `experiments` in which a claim of the candidate gets each verdict.

    An experiment has two claims, one of each side, so that the three may add up to more than 1.
    """

    power: float = field(metadata=written("estimate"))
    """Share with `supported`."""

    standard_error: float
    """Monte-Carlo standard error of `power`; of 1/experiments where none, or all, were seen."""

    not_supported: float
    """Share with `not supported`: a false one, where there is an effect."""

    inconclusive: float
    """Share with `inconclusive`."""

    effect: float
    """Signed effect at the largest dose, a fraction of problems."""

    control_sd: float
    """Standard deviation of controls' signed effects there, without the noise of problems."""

    gap: float
    """The candidate's distance from the mean of its controls, in these standard deviations."""

    k: int
    """Controls."""

    experiments: int
    """Simulated experiments."""


def verdict_power(
    n: int,
    *,
    effect: float,
    accuracy: float,
    control_sd: float,
    k: int = 99,
    doses: Sequence[float] = DOSES,
    experiments: int = 200,
    rng: np.random.Generator,
) -> VerdictPower:
    """Chance that a candidate's verdict will be `supported`, by simulated experiments.

    Each is one candidate and its k controls, run at every dose on the same n problems, and goes
    through the tables and rules by which a store gets its verdicts (see `steerstat calibrate
    verdicts`, which simulates likewise).

    Args:
        n: problems.
        effect: the candidate's signed effect [f(a) − f(−a)]/2 at the largest dose, a fraction, not
            negative: what is claimed is a gain at +a and a loss at −a.
        accuracy: share right without steering.
        control_sd: standard deviation of the controls' signed effects at the largest dose, a
            fraction, without the noise of a finite set of problems (`control_spread`).
        k: controls.
        doses: alphas that all of them are run at, both signs.
        experiments: how many are simulated; the error falls with the root of their number.

    Raises:
        Refusal: An effect that no push on these problems can have, doses of one sign alone, or more
            outcomes than fit into memory.

    Notes:
        Problems have normal margins by which they are right, that a direction moves by its own
        slope, by what it does to this problem besides, and by the harm of any push: the last two
        are those of `World`. One seed, no missing answers, one candidate.
    """
    n = count("n", n, least=2, most=MOST_PROBLEMS)
    k = count("k", k, least=1, most=MOST_CONTROLS)
    experiments = count("experiments", experiments, least=1, most=MOST_EXPERIMENTS)
    alphas, effect = numbers("doses", doses), number("effect", effect)
    accuracy, control_sd = fraction("accuracy", accuracy), fraction("control_sd", control_sd)
    if alphas.ndim != 1 or not 2 <= alphas.size <= MOST_DOSES or len(set(alphas)) < alphas.size:
        raise Refusal(f"doses must be 2 to {MOST_DOSES} different alphas, found {alphas.tolist()}")
    if not (alphas > 0).any() or not (alphas < 0).any() or not alphas.all():
        raise Refusal("doses must have both signs, and no 0: a verdict needs a and -a")
    if n * (k + 1) * alphas.size > MOST_OUTCOMES:
        raise Refusal(
            f"{n} problems x {k + 1} directions x {alphas.size} doses are more than "
            f"{MOST_OUTCOMES:,} outcomes: pass fewer"
        )
    generator(rng)
    # The world's sizes are those of doses up to 3.
    largest = float(np.abs(alphas).max())
    world = World(n=n, k=k, accuracy=accuracy, doses=tuple((3 / largest * alphas).tolist()))
    slope = _slope(world, effect)
    signed = control_sd / _signed_effect(world, 1e-4) * 1e-4
    gap = slope / signed
    reached = verdicts_reached(replace(world, signed=signed, gap=gap), experiments, rng)
    shares = {
        word: float(np.mean([word in one for one in reached]))
        for word in (SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE)
    }
    row = Row(
        section="verdicts", method=SUPPORTED, quantity="power",
        value=shares[SUPPORTED], simulations=experiments,
    )  # fmt: skip
    return VerdictPower(
        method="verdict power, simulated experiments",
        power=shares[SUPPORTED],
        n=n,
        scope=NEW_BOTH,
        standard_error=row.error,
        not_supported=shares[NOT_SUPPORTED],
        inconclusive=shares[INCONCLUSIVE],
        effect=effect,
        control_sd=control_sd,
        gap=gap,
        k=k,
        experiments=experiments,
    )


def _signed_effect(world: World, slope: float) -> float:
    """Expected [f(a) − f(−a)]/2 at the largest dose of a direction with this slope in margins."""
    a = max(map(abs, world.doses))
    # |h| of a normal h has mean √(2/π); its variance beside that of the margins is left out.
    centre = stats.norm.ppf(world.accuracy) - a**2 * world.damage * np.sqrt(2 / np.pi)
    spread = np.sqrt(1 + (a * world.scatter) ** 2)
    up, down = stats.norm.cdf([(centre + a * slope) / spread, (centre - a * slope) / spread])
    return float(up - down) / 2


def _slope(world: World, effect: float) -> float:
    """The slope in margins that has this signed effect."""
    if not 0 <= effect < _signed_effect(world, 10.0):
        raise Refusal(
            f"effect {effect:g} must lie between 0 and {_signed_effect(world, 10.0):.3g}, the most "
            "that the largest dose can do to these problems: half of the change from -a to +a, as "
            "a fraction (5 points = 0.05)"
        )
    return float(optimize.brentq(lambda one: _signed_effect(world, one) - effect, 0.0, 10.0))
