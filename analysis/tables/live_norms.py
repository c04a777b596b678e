"""Norms at the positions that change anything: whether two directions push equally hard."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.readings import Readings, Source, remembered, view

# Norms that differ by less than this share are one norm: what single precision rounds is far less.
SAME_NORM = 0.01

Array = np.ndarray[Any, Any]


def other_norms(readings: Readings, names: Mapping[str, Any], controls: pd.DataFrame) -> set[str]:
    """Controls whose norm at a live position is not the candidate's, or is not known."""
    directions = view(readings, "named_directions").set_index("name")
    wanted = _norms(directions.loc[names["candidate"], "norm_by_position"])
    if wanted is None:
        return set(controls["name"])
    live = live_positions(names["site"], len(wanted), dead_positions(readings, names["protocol"]))
    norms = zip(controls["name"], map(_norms, controls["norm_by_position"]), strict=True)
    return {name for name, own in norms if own is None or not _equal(own, wanted, live)}


def _equal(own: Array, wanted: Array, live: Array) -> bool:
    """Whether two directions have equal norms at every live position."""
    return own.shape == wanted.shape and bool(
        np.allclose(own[live], wanted[live], rtol=SAME_NORM, atol=0.0)
    )


def _norms(value: Any) -> Array | None:
    """Norms by position as an array; None where the store has none."""
    if value is None or np.ndim(value) != 1 or not len(value):
        return None
    return np.asarray(value, dtype=float)


def live_positions(site: str, count: int, dead: set[str]) -> Array:
    """Which of `count` stacked positions change anything; all of them where none is known."""
    sites = str(site).split(",")
    each = count // len(sites)
    if each <= 1:
        return np.ones(count, dtype=bool)
    named = [f"{one}[{position}]" for one in sites for position in range(each)]
    live = np.array([name not in dead for name in named] + [True] * (count - len(named)))
    return live if live.any() else np.ones(count, dtype=bool)


@remembered
def _dead_by_protocol(store: Source) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for text in view(store, "runs")["gates"]:
        for protocol, dead in _dead_of(json.loads(text) if text else {}):
            found[protocol] = found.get(protocol, dead) & dead
    return found


def dead_positions(store: Source, protocol: str) -> set[str]:
    """Positions that the gates of every run found to change nothing, such as `latent[5]`."""
    return _dead_by_protocol(store).get(protocol, set())


def _dead_of(gates: Any) -> Iterator[tuple[str, set[str]]]:
    """(protocol, dead positions) of a run's gates: one protocol's, or several by name."""
    if not isinstance(gates, dict):
        return
    if "live" in gates and "protocol" in gates:
        yield str(gates["protocol"]), set(gates["live"].get("dead", ()))
        return
    for one in gates.values():
        yield from _dead_of(one)
