"""Activations of a model at its latent positions, as rows of a store and as arrays again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sql.errors import UserError
from store import shards
from store.names import SHORT_ID, checked_sites, is_id

if TYPE_CHECKING:
    from collect.engine.protocol import Protocol
    from collect.models.model import Model

Array = NDArray[np.float32]
# Problems per shard: bounds memory, and what a kill can lose.
_CHUNK = 256


def extract(
    root: Path,
    model: Model,
    problems: Sequence[tuple[str, str]],
    *,
    sites: Sequence[str],
    protocol: str | Protocol | None = None,
) -> int:
    """Store activations of problems at sites; what is there already is not computed again.

    Args:
        root: the store.
        model: a loaded model (`load_model`).
        problems: (problem_id, question) pairs.
        sites: `latent`, `latent_projected`, `residual:<layer>`.
        protocol: under which the model is run, or its name; None is the model's own. Rows are
            stored under its `reading_name`.

    Returns:
        Rows added: problems x sites x positions, less those that were there.

    Raises:
        UserError: a site or protocol is unknown to the model.
    """
    from collect.engine.protocol import reading_name, resolve_protocol
    from collect.engine.reading import activations
    from collect.models.recorded import known_in, record_model

    asked = resolve_protocol(protocol, model)  # refuses before anything is written
    name = reading_name(asked, model)
    model = known_in(root, model)
    done = extracted(root, model.model_id, name, sites)
    missing = [
        (problem, question)
        for problem, question in problems
        if any((problem, site) not in done for site in sites)
    ]
    model_id = record_model(root, model)
    added = 0
    for start in range(0, len(missing), _CHUNK):
        part = missing[start : start + _CHUNK]
        read = activations(model, [question for _, question in part], sites=sites, protocol=asked)
        for site, values in read.items():
            keep = [i for i, (problem, _) in enumerate(part) if (problem, site) not in done]
            ids = [part[i][0] for i in keep]
            rows = activation_table(model_id, name, site, ids, np.asarray(values)[keep])
            shards.append(root, "activations", rows)
            added += rows.num_rows
    return added


def extracted(
    root: Path, model_id: str, protocol: str, sites: Sequence[str]
) -> set[tuple[str, str]]:
    """(problem, site) of the activations that a store has under a model and a `reading_name`."""
    where = {"model_id": [model_id], "protocol": [protocol], "site": sites}
    table = shards.committed(root, "activations", ["problem_id", "site"], where)
    return set(zip(table["problem_id"].to_pylist(), table["site"].to_pylist(), strict=True))


def sites_of(text: str, model: Model) -> list[str]:
    """The sites of a comma-separated list; `all` is every site that the model has.

    Raises:
        UserError: a site is unknown, or a block that the model does not have.
    """
    layers = [f"residual:{layer}" for layer in range(model.n_layer)]
    latent = ["latent"] if model.n_latent else []
    if text == "all":
        return [*latent, *(["latent_projected"] if model.projection is not None else []), *layers]
    sites = list(checked_sites(text))
    beyond = [site for site in sites if site.startswith("residual:") and site not in layers]
    if beyond:
        raise UserError(f"{model.name} has blocks 0 to {model.n_layer - 1}, not {beyond[0]}")
    return sites


def activation_table(
    model_id: str, protocol: str, site: str, problem_ids: Sequence[str], values: Array
) -> pa.Table:
    """Rows of `activations` from an array [n, T, d]."""
    n, positions, width = values.shape
    flat = pa.array(np.ascontiguousarray(values, dtype=np.float32).reshape(-1))
    offsets = pa.array(np.arange(n * positions + 1, dtype=np.int32) * width)
    return pa.table(
        {
            "model_id": pa.repeat(model_id, n * positions),
            "protocol": pa.repeat(protocol, n * positions),
            "problem_id": [problem for problem in problem_ids for _ in range(positions)],
            "site": pa.repeat(site, n * positions),
            "position": pa.array(np.tile(np.arange(positions, dtype=np.int32), n)),
            "values": pa.ListArray.from_arrays(offsets, flat),
        }
    )


def stored_activations(
    root: Path,
    problem_ids: Sequence[str],
    *,
    site: str,
    protocol: str | None = None,
    model: str | None = None,
) -> tuple[str, Array]:
    """Stored activations of problems, in the given order.

    Args:
        root: the store.
        problem_ids: n problems.
        site: one site.
        protocol: what they are stored under; may be left out where there is but one.
        model: name of the model, or how its id begins; may be left out where only one has such
            activations.

    Returns:
        The model's id, and float32 [n, T, d].

    Raises:
        UserError: activations are missing, of several models, or differ in shape.
    """
    model_id, protocol = sole_reading(root, problem_ids, site=site, protocol=protocol, model=model)
    where = {"site": [site], "protocol": [protocol], "problem_id": set(problem_ids)}
    table = shards.committed(root, "activations", where={**where, "model_id": [model_id]})
    positions = table["position"].to_numpy()
    count = int(positions.max()) + 1
    values = table["values"].combine_chunks()
    lengths = set(pc.list_value_length(values).to_pylist())
    if len(lengths) != 1:
        raise UserError(f"activations at site {site} differ in width: {sorted(lengths)}")
    width = lengths.pop()
    row_of = {problem: i for i, problem in enumerate(dict.fromkeys(problem_ids))}
    rows = np.array([row_of[problem] for problem in table["problem_id"].to_pylist()])
    out = np.full((len(row_of), count, width), np.nan, dtype=np.float32)
    out[rows, positions] = values.flatten().to_numpy().reshape(-1, width)
    missing = int(np.isnan(out).any(axis=(1, 2)).sum())
    if missing:
        raise UserError(
            f"{missing} of {len(row_of)} problems have no stored activations at site {site}, "
            f"protocol {protocol}: run `steerstat extract` for the whole set"
        )
    return model_id, out[[row_of[problem] for problem in problem_ids]]


def sole_reading(
    root: Path,
    problem_ids: Sequence[str],
    *,
    site: str,
    protocol: str | None = None,
    model: str | None = None,
) -> tuple[str, str]:
    """Model id and protocol of the only activations that fit; arguments as `stored_activations`.

    Raises:
        UserError: there are none, or several: then each is listed with the option that names it.
    """
    where = {"site": [site], "problem_id": set(problem_ids)}
    table = shards.committed(root, "activations", ["model_id", "protocol"], where)
    there = table.group_by(["model_id", "protocol"]).aggregate([]).to_pylist()
    names = {
        row["model_id"]: row["name"]
        for row in shards.committed(root, "models", ["model_id", "name"]).to_pylist()
    }
    found = {
        (row["model_id"], row["protocol"])
        for row in there
        if (protocol is None or row["protocol"] == protocol)
        and (model is None or names.get(row["model_id"]) == model or is_id(row["model_id"], model))
    }
    place = f"site {site}" + (f", protocol {protocol}" if protocol else "")
    if not found:
        other = ", ".join(
            sorted({f"{names.get(r['model_id'], r['model_id'])}, {r['protocol']}" for r in there})
        )
        raise UserError(
            f"no stored activations at {place}{f' (there are some of {other})' if other else ''}: "
            "run `steerstat extract STORE --set … --sites …` first"
        )
    if len(found) > 1:
        models = {model_id for model_id, _ in found}
        shared = len({names.get(model_id) for model_id in models}) < len(models)
        options = {"--model": len(models), "--protocol": len({under for _, under in found})}
        asked = " and ".join(option for option, count in options.items() if count > 1)
        listed = "; ".join(
            sorted(
                f"{model_id[:SHORT_ID] if shared else names.get(model_id, model_id)}, {under}"
                for model_id, under in found
            )
        )
        raise UserError(f"activations at {place} are there several times ({listed}): say {asked}")
    return found.pop()
