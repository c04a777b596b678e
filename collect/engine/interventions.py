"""Steering as data: which vectors, at what dose, where, how and when.

A steering names its site (`latent`, `latent_projected`, `residual:<layer>`, or several joined by
commas), its schedule (one weight per position), its operator and its effect. None of them is code
of its own: the engine runs all of them through one loop.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import numpy.typing as npt

from analysis.vocabulary import Effect, LatentSite, Operator, Schedule, checked
from sql.errors import UserError
from store.names import checked_sites, residual_layer

Array = npt.NDArray[np.float32]

LATENT_SITES = get_args(LatentSite)


@dataclass(frozen=True, eq=False)
class Steering:
    """What is done to the thoughts of a question.

    Attributes:
        vectors: the direction, [T, d], or [d] for all positions alike; with several sites
            [n_sites * T, d], all positions of the first site first. [1, d] is position 0 alone.
            None is the baseline.
        alpha: signed dose; position t gets `alpha * w_t` with the weights of the schedule.
        site: `latent` is the final hidden state before the projection, `latent_projected` the
            vector fed back, `residual:<layer>` the output of that block (counted from 0) in the
            forward pass that yields the t-th final hidden state.
        schedule: `uniform`, `first`, `last`, `position:<i>`, `magnitude` (weights proportional
            to the direction's norms, with mean 1) or a JSON list of weights.
        operator: `add`; `norm_preserving_add` (then scaled back to the norm before);
            `project_out` (the component along the direction is removed, whatever alpha is);
            `clamp` (that component becomes alpha times the direction's norm). A position of
            weight 0 is left alone by every operator.
        effect: `total` recomputes later thoughts; `direct` feeds at each position the thought
            that steering at that position alone would give, so that nothing passes from one
            thought to the next.
        key: the caller's name for it.
        alpha_factors: one factor per problem on alpha (a dose that depends on difficulty).
        everywhere: one vector per site, [n_sites, d], acts at all positions alike, as [d] does.
    """

    vectors: Array | None
    alpha: float = 0.0
    site: str = "latent"
    schedule: str = "uniform"
    operator: Operator = "add"
    effect: Effect = "total"
    key: str = ""
    alpha_factors: Sequence[float] | None = field(default=None)
    everywhere: bool = False

    @property
    def is_baseline(self) -> bool:
        """Whether there is no direction at all."""
        return self.vectors is None

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites, one by one."""
        return checked_sites(self.site)

    @property
    def at_position_0(self) -> bool:
        """Whether there are vectors for position 0 alone."""
        if self.vectors is None or self.everywhere or self.vectors.ndim < 2:
            return False
        return self.vectors.size == len(self.sites) * self.vectors.shape[-1]


def checked_schedule(schedule: str) -> str:
    """The schedule, if it is one; whether it fits is known where the positions are.

    Raises:
        UserError: the schedule is unknown.
    """
    name, _, where = schedule.partition(":")
    if schedule.startswith("["):
        _listed_weights(schedule)
    elif schedule not in get_args(Schedule) and not (name == "position" and where.isdigit()):
        raise UserError(
            f"unknown schedule {schedule!r}; use uniform, first, last, position:<i>, magnitude "
            "or a list such as [1, 0.5, 0]"
        )
    return schedule


def schedule_weights(
    schedule: str, norms: Array, *, open_ended: bool = False, mean: float | None = None
) -> Array:
    """One weight per position, [T], from the schedule and the direction's norms [T].

    Args:
        schedule: its name or list.
        norms: of the direction at each position.
        open_ended: whether listed weights may be fewer.
        mean: norm to which `magnitude` compares; by default the mean of `norms`.

    Raises:
        UserError: the schedule is unknown or does not fit the number of positions.
    """
    n = len(norms)
    weights = np.zeros(n, dtype=np.float32)
    checked_schedule(schedule)
    if schedule == "uniform":
        weights[:] = 1
    elif schedule == "first":
        weights[0] = 1
    elif schedule == "last":
        weights[-1] = 1
    elif schedule == "magnitude":
        mean = float(norms.mean()) if mean is None else mean
        weights[:] = norms / mean if mean > 0 else 0
    elif schedule.startswith("position:"):
        position = int(schedule.partition(":")[2])
        if position >= n:
            raise UserError(f"schedule {schedule!r}: positions go from 0 to {n - 1}")
        weights[position] = 1
    else:
        listed = _listed_weights(schedule)
        if len(listed) > n or (len(listed) < n and not open_ended):
            raise UserError(f"schedule {schedule!r} has {len(listed)} weights; {n} are needed")
        weights[: len(listed)] = listed
    return weights


def listed_weights(schedule: str) -> list[float]:
    """The weights of a schedule that lists them; none of another.

    Raises:
        UserError: it begins as a list, and is none of numbers.
    """
    return _listed_weights(schedule) if schedule.startswith("[") else []


def _listed_weights(schedule: str) -> list[float]:
    try:
        return [float(weight) for weight in json.loads(schedule)]
    except (ValueError, TypeError) as error:
        raise UserError(f"schedule {schedule!r} is no list of numbers") from error


@dataclass(frozen=True)
class SiteVectors:
    """One site of a steering, worked out.

    Attributes:
        site: `latent`, `latent_projected` or `residual:<layer>`.
        unit: the direction's unit vectors, [T, d]; zero where the direction is zero.
        dose: alpha times weight times norm, [T]: the length of what `add` adds.
        weight: the schedule's weights, [T]; where 0, nothing is done.
    """

    site: str
    unit: Array
    dose: Array
    weight: Array


def canonical(
    steering: Steering, n_positions: int, d_model: int, *, open_ended: bool = False
) -> Steering:
    """The one spelling of what a steering does: equal steerings become the same.

    Sites lose leading zeros. Weights that are all alike are `uniform`, a single one is `first`,
    `last` or `position:<i>`, their common size going into alpha; other lists have one form.
    `project_out` has no dose: its alpha is 1 and its weights say where it acts. What acts nowhere
    is the baseline, as is alpha 0 where a direction is only added.

    Args:
        steering, n_positions, d_model, open_ended: as `site_vectors` takes them.

    Raises:
        UserError: as `site_vectors`.
    """
    parts = site_vectors(steering, n_positions, d_model, open_ended=open_ended)
    if not parts:
        return Steering(None)
    removes = steering.operator == "project_out"
    alpha = 1.0 if removes else float(steering.alpha)
    factors = None if removes else steering.alpha_factors
    schedule = steering.schedule
    if removes or schedule != "magnitude" or all((part.weight == 1).all() for part in parts):
        weights = _weights(steering, parts, n_positions)
        common = {weight for weight in weights if weight}
        if len(common) == 1 and not removes:
            alpha *= common.pop()
            weights = [float(weight != 0) for weight in weights]
        schedule = _spelled(weights, n_positions, open_ended=open_ended)
    adds_nothing = alpha == 0 and steering.operator in ("add", "norm_preserving_add")
    if not schedule or adds_nothing:
        return Steering(None)
    site = ",".join(steering.sites)
    return dataclasses.replace(
        steering, alpha=alpha, site=site, schedule=schedule, alpha_factors=factors
    )


def _weights(steering: Steering, parts: Sequence[SiteVectors], n_positions: int) -> list[float]:
    """The weights as they were written, as far as there are vectors; 0 or 1 where only that acts.

    Weights of `magnitude` are 1 here, or do not matter.
    """
    if steering.schedule.startswith("["):
        weights = _listed_weights(steering.schedule)
    elif steering.schedule == "magnitude":
        weights = [1.0] * n_positions
    else:
        weights = [float(weight) for weight in parts[0].weight]
    if steering.at_position_0:
        weights = weights[:1]
    weights += [0.0] * (n_positions - len(weights))
    if steering.operator != "project_out":
        return weights
    acts = np.any([(part.unit != 0).any(axis=1) for part in parts], axis=0)
    # Where there is no vector nothing is taken out, whatever the weight.
    return [float(weight != 0 or not there) for weight, there in zip(weights, acts, strict=True)]


def _spelled(weights: Sequence[float], n_positions: int, *, open_ended: bool) -> str:
    """The schedule with these weights, one per position; "" where all are zero."""
    where = [i for i, weight in enumerate(weights) if weight]
    if not where:
        return ""
    if all(weight == 1 for weight in weights):
        return "uniform"
    if len(where) == 1 and weights[where[0]] == 1:
        last = where[0] == n_positions - 1 and not open_ended
        return "first" if where == [0] else "last" if last else f"position:{where[0]}"
    shown = weights[: where[-1] + 1] if open_ended else weights
    return json.dumps([int(weight) if weight.is_integer() else weight for weight in shown])


def site_vectors(
    steering: Steering, n_positions: int, d_model: int, *, open_ended: bool = False
) -> list[SiteVectors]:
    """The steering's vectors by site, broadcast over positions and weighted.

    Args:
        steering: the steering.
        n_positions: T.
        d_model: width.
        open_ended: positions are the prompt's last token and each generated token, of which
            nobody knows the last: vectors and weights may be fewer, and act on the first ones.

    Raises:
        UserError: names are unknown or shapes do not fit.
    """
    if steering.vectors is None:
        return []
    checked(steering.operator, Operator, "operator")
    checked(steering.effect, Effect, "effect")
    if open_ended and steering.schedule == "last":
        raise UserError("schedule 'last' needs thoughts: nobody knows an answer's last token")
    sites = steering.sites
    by_site = _by_site(steering, len(sites), n_positions, d_model, open_ended)
    parts = []
    for site, vectors in zip(sites, by_site, strict=True):
        residual_layer(site)
        norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
        unit = np.divide(
            vectors, norms[:, None], out=np.zeros(vectors.shape), where=norms[:, None] > 0
        )
        mean = None
        if open_ended and not steering.everywhere and np.ndim(steering.vectors) > 1:
            # Positions without a vector are as many as the token limit happens to allow.
            every = np.asarray(steering.vectors, dtype=np.float64).reshape(len(sites), -1, d_model)
            mean = float(np.linalg.norm(every[sites.index(site)], axis=1).mean())
        weight = schedule_weights(
            steering.schedule, norms.astype(np.float32), open_ended=open_ended, mean=mean
        )
        dose = steering.alpha * weight * norms
        parts.append(SiteVectors(site, *(x.astype(np.float32) for x in (unit, dose, weight))))
    return parts


def _by_site(
    steering: Steering, n_sites: int, n_positions: int, d_model: int, open_ended: bool
) -> Array:
    """Vectors as [n_sites, T, d]."""
    vectors = np.asarray(steering.vectors, dtype=np.float32)
    everywhere = vectors.ndim == 1 or steering.everywhere
    vectors = vectors.reshape(-1, vectors.shape[-1])
    n = len(vectors)
    fits = n in (n_sites, n_sites * n_positions) or (n == 1 and everywhere)
    if vectors.shape[1] != d_model or not (fits or (open_ended and n % n_sites == 0)):
        raise UserError(
            f"direction {steering.key or '(no name)'} has shape {list(vectors.shape)}; "
            f"{n_sites} site(s) with {n_positions} positions need "
            f"[{n_sites * n_positions}, {d_model}], or [{d_model}] for all positions alike"
        )
    if not np.isfinite(vectors).all():
        raise UserError(f"direction {steering.key or '(no name)'} has values that are not finite")
    if everywhere:
        return np.broadcast_to(
            vectors.reshape(-1, 1, d_model), (n_sites, n_positions, d_model)
        ).copy()
    given = vectors.reshape(n_sites, -1, d_model)[:, :n_positions]
    rest = np.zeros((n_sites, n_positions - given.shape[1], d_model), dtype=np.float32)
    return np.concatenate([given, rest], axis=1)
