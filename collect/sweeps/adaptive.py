"""Doses that depend on the problem: a factor on alpha for each stratum, as data of a condition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from collect.directions.fitting import strata_of
from sql.errors import UserError
from store import identity
from store.names import checked_name

EXAMPLE = "n_steps:1=0.5,2=1,3=1.5"


@dataclass(frozen=True)
class AlphaFactors:
    """A factor on alpha by stratum.

    Attributes:
        scheme: `n_steps`, or a scheme of the table `strata`.
        factors: by stratum.
    """

    scheme: str
    factors: Mapping[str, float]

    @property
    def text(self) -> str:
        """The rule as a condition's schedule ends with it."""
        return f"by {self.scheme} {identity.canonical_json(self.factors)}"

    @property
    def common(self) -> float | None:
        """The factor of all strata, where it is the same: then the rule is a dose like others."""
        values = set(self.factors.values())
        return values.pop() if len(values) == 1 else None


@dataclass(frozen=True)
class Adaptive:
    """A rule, and the factor that it gives to each problem by its id."""

    rule: AlphaFactors
    of_problem: Mapping[str, float]


def alpha_factors(text: str) -> AlphaFactors:
    """The rule that a person wrote, such as `n_steps:1=0.5,2=1`.

    Raises:
        UserError: it is no scheme with factors, a stratum is there twice, or a factor is no number.
    """
    scheme, _, listed = text.partition(":")
    factors: dict[str, float] = {}
    for part in listed.split(","):
        level, _, factor = part.rpartition("=")
        try:
            value = float(factor) + 0.0
        except ValueError:
            value = math.nan
        if not level.strip() or not math.isfinite(value):
            raise UserError(
                f"--alpha-factors {text!r}: {part!r} is no stratum with its factor; write a scheme "
                f"and the factor of each stratum, such as {EXAMPLE}"
            )
        if level.strip() in factors:
            raise UserError(f"--alpha-factors {text!r} names stratum {level.strip()!r} twice")
        factors[level.strip()] = value
    return AlphaFactors(checked_name(scheme.strip(), "scheme of strata"), factors)


def adaptive(root: Path, rule: AlphaFactors, problem_ids: Sequence[str]) -> Adaptive:
    """The factors of some problems.

    Raises:
        UserError: a problem has no stratum in the scheme, or its stratum no factor.
    """
    levels = strata_of(root, rule.scheme, list(problem_ids))
    lacking = [problem for problem in problem_ids if problem not in levels]
    if lacking:
        raise UserError(
            f"--alpha-factors: {len(lacking)} of {len(problem_ids)} problems have no stratum in "
            f"{rule.scheme} ({lacking[0]} …): leave them out of the set"
        )
    unknown = sorted(set(levels.values()) - rule.factors.keys())
    if unknown:
        raise UserError(
            f"--alpha-factors has no factor for {rule.scheme} = {', '.join(unknown)}: give one"
        )
    return Adaptive(rule, {problem: rule.factors[levels[problem]] for problem in problem_ids})
