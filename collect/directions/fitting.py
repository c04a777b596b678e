"""Fitting directions on what a store holds, and drawing controls for directions in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from analysis.vocabulary import ControlKind, Fit, checked
from collect.directions.control_vectors import CONTROLS, shuffled_labels, with_norms_of
from collect.directions.directions import FIRST_POSITION, Direction, NewDirection, add_directions
from collect.directions.extraction import sole_reading, stored_activations
from collect.directions.fits import FITS, UNLABELLED
from collect.directions.selection import select_directions
from collect.problems.problem_sets import members
from sql.errors import UserError
from store import shards
from store.direction_rules import check_words
from store.names import checked_name, checked_sites

KINDS = get_args(ControlKind)
Array = NDArray[np.float64]
Labels = NDArray[np.bool_]
# What the labels are fitted as: themselves, or shuffled within the strata.
Relabel = Callable[[Labels, NDArray[np.str_] | None], Labels]


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """What is fitted on what.

    Attributes:
        fit: a name in `FITS`.
        set_name: a set whose problems carry labels.
        site: where the direction is to be added.
        fitted_at: where activations are read; `site` where None. Several, joined by commas, are
            fitted one by one and stacked.
        protocol: what activations are stored under; None where there is but one.
        model: name of the model, or how its id begins, where activations of several are stored.
        strata: scheme to match within: `n_steps` or one of the table `strata`.
    """

    fit: str
    set_name: str
    site: str = "latent"
    fitted_at: str | None = None
    protocol: str | None = None
    model: str | None = None
    strata: str | None = None

    @property
    def recipe(self) -> dict[str, Any]:
        """The request as a direction stores it."""
        recipe: dict[str, Any] = {
            "fit": self.fit,
            "fitted_at": self.fitted_at or self.site,
            "set": self.set_name,
        }
        recipe |= {"protocol": self.protocol}
        return recipe | ({"strata": self.strata} if self.strata else {})


def fit_direction(root: Path, request: FitRequest, *, name: str) -> str:
    """Fit a direction and add it to the store; return its id.

    Raises:
        UserError: the fit, set or site is unknown, labels or activations are missing, or the
            name is taken.
    """
    check_words(name, request.fit, "candidate", request.site)
    request = _settled(root, request)
    vectors, fitted_on = _fitted(root, request, lambda labels, strata: labels)
    new = NewDirection(
        vectors=vectors,
        name=name,
        kind=request.fit,
        site=request.site,
        recipe=request.recipe,
        fitted_on=fitted_on,
    )
    return add_directions(root, [new])[0]


def _settled(root: Path, request: FitRequest) -> FitRequest:
    """The request with the protocol of the activations that it turns out to be about."""
    site = checked_sites(request.fitted_at or request.site)[0]
    ids = sorted(labels_of(root, request.set_name))
    _, protocol = sole_reading(root, ids, site=site, protocol=request.protocol, model=request.model)
    return replace(request, protocol=protocol)


def _fitted(root: Path, request: FitRequest, relabel: Relabel) -> tuple[Array, dict[str, Any]]:
    """Vectors [n_sites * T, d] and what they were fitted on; `relabel` may alter the labels."""
    checked(request.fit, Fit, "fit")
    labels = labels_of(root, request.set_name)
    ids = sorted(labels)
    strata, without = None, []
    if request.strata:
        levels = strata_of(root, request.strata, ids)
        without = [problem for problem in ids if problem not in levels]
        ids = [problem for problem in ids if problem in levels]
        strata = np.array([levels[problem] for problem in ids])
    truth = relabel(np.array([labels[problem] for problem in ids]), strata)
    parts, model_id = [], ""
    for site in checked_sites(request.fitted_at or request.site):
        model_id, activations = stored_activations(
            root, ids, site=site, protocol=request.protocol, model=request.model
        )
        parts.append(FITS[request.fit](activations, truth, strata=strata))
    fitted_on = {
        "set": request.set_name,
        "split": sorted({row["split"] for row in members(root, request.set_name).values()})[0],
        "model_id": model_id,
        "n_right": int(truth.sum()),
        "n_wrong": int((~truth).sum()),
        "problems_sha256": hashlib.sha256("\n".join(ids).encode()).hexdigest(),
    }
    if without:  # problems of the set that have no stratum take no part
        fitted_on["without_stratum"] = without
    return np.concatenate(parts), fitted_on


def labels_of(root: Path, set_name: str) -> dict[str, bool]:
    """Labels of a set's problems.

    Raises:
        UserError: there is no such set, or its problems carry no labels.
    """
    rows = members(root, set_name)
    labels = {problem: row["label"] for problem, row in rows.items() if row["label"] is not None}
    if not rows:
        raise UserError(f"no problem set {set_name!r}: `steerstat problems list STORE` shows all")
    if not labels:
        raise UserError(
            f"set {set_name} has no labels: draw one with `steerstat problems split --balanced`"
        )
    return labels


def strata_of(root: Path, scheme: str, problem_ids: list[str]) -> dict[str, str]:
    """The stratum, as text, of each of these problems that has one.

    Raises:
        UserError: the scheme is unknown, or none of the problems has a stratum in it.
    """
    if scheme == "n_steps":
        where = {"problem_id": problem_ids}
        table = shards.committed(root, "problems", ["problem_id", "n_steps"], where).to_pylist()
        levels = {r["problem_id"]: r["n_steps"] for r in table if r["n_steps"] is not None}
    else:
        cut = {"scheme": [scheme], "problem_id": problem_ids}
        rows = shards.committed(root, "strata", ["problem_id", "level"], cut).to_pylist()
        levels = {r["problem_id"]: r["level"] for r in rows}
    known = {problem: str(levels[problem]) for problem in problem_ids if problem in levels}
    if not known:
        raise UserError(f"strata {scheme!r}: none of {len(problem_ids)} problems has a stratum")
    return known


def draw_controls(
    root: Path, kind: str, *, like: str, count: int, prefix: str | None = None, seed: int = 0
) -> list[str]:
    """Add control directions for candidates, each its own, and return their ids.

    Args:
        root: the store.
        kind: `random_per_position`, `random_total_norm` or `shuffled_labels` (the candidate's
            own fit on shuffled labels, scaled to its norm at each position).
        like: the candidates, as `select_directions` takes them.
        count: how many a candidate; named `<prefix>_000`, … (at least three digits), or `<prefix>`
            for one.
        prefix: of the names of one candidate's controls; by default `<candidate>_<kind>`.
        seed: control i depends on the seed, the prefix and i alone.

    Raises:
        UserError: the kind is unknown, no candidate is there, one prefix is given for several
            candidates, or a name is taken; then nothing is added.
    """
    checked(kind, ControlKind, "control")
    if count < 1:
        raise UserError(f"asked for {count} controls; ask for at least 1")
    if prefix is not None:
        checked_name(prefix, "direction name")
    parents = select_directions(root, like)
    if len(parents) > 1 and prefix is not None:
        raise UserError(
            f"{like!r} fits {len(parents)} directions: one name is for the controls of one "
            "candidate; leave it out, and each has the candidate's in theirs"
        )
    digits = max(3, len(str(count - 1)))
    new = []
    for parent in parents:
        start = f"{parent.name}_{kind}" if prefix is None else prefix
        for i in range(count):
            # Two sets of controls of one store must not be drawn from the same stream.
            rng = np.random.default_rng([seed, i, *start.encode()])
            name = f"{start}_{i:0{digits}d}" if count > 1 else start
            new.append(_control(root, kind, parent, name, rng, seed, i))
    return add_directions(root, new)


def _control(
    root: Path,
    kind: str,
    parent: Direction,
    name: str,
    rng: np.random.Generator,
    seed: int,
    index: int,
) -> NewDirection:
    recipe: dict[str, Any] = {"control": kind, "index": index}
    if len(parent.vectors) == len(checked_sites(parent.site)) and not parent.everywhere:
        recipe[FIRST_POSITION] = True
    if kind == "shuffled_labels":
        vectors = _shuffled_fit(root, parent, rng)
    else:
        vectors = CONTROLS[kind](parent.vectors, rng)
    return NewDirection(
        vectors=vectors[0] if parent.is_broadcast else vectors,
        name=name,
        kind=kind,
        role="control",
        site=parent.site,
        recipe=recipe,
        parent_id=parent.direction_id,
        rng_seed=seed,
    )


def _model_of(root: Path, direction: Direction) -> str | None:
    """Id of the model that a direction was fitted on; None where nothing was recorded of it."""
    where = {"direction_id": [direction.direction_id]}
    rows = shards.committed(root, "directions", ["fitted_on"], where).to_pylist()
    fitted_on = json.loads(rows[0]["fitted_on"] or "{}") if rows else {}
    return fitted_on.get("model_id")


def _shuffled_fit(root: Path, parent: Direction, rng: np.random.Generator) -> Array:
    recipe = parent.recipe
    if not {"fit", "set", "fitted_at"} <= recipe.keys():
        raise UserError(
            f"direction {parent.name} was not fitted here: shuffled labels need a direction of "
            "`steerstat directions fit`"
        )
    if recipe["fit"] in UNLABELLED:
        raise UserError(
            f"direction {parent.name} is a {recipe['fit']}, which uses no labels: shuffled ones "
            "give the candidate again; draw random_per_position or random_total_norm"
        )
    request = FitRequest(
        fit=recipe["fit"],
        set_name=recipe["set"],
        site=parent.site,
        fitted_at=recipe["fitted_at"],
        protocol=recipe.get("protocol", "codi"),
        model=_model_of(root, parent),
        strata=recipe.get("strata"),
    )
    vectors, _ = _fitted(
        root, request, lambda labels, strata: shuffled_labels(labels, rng, strata=strata)
    )
    return with_norms_of(parent.vectors, vectors)
