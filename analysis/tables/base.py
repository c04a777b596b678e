"""What every table shares: reading a view, the columns that name a curve, and their order."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np
import pandas as pd

# Everything that decides which outcomes are compared, except the dose: one value of these columns
# is one curve over alpha.
CONTEXT = ["model", "protocol", "decoding", "dtype", "set_name", "baseline_id"]
STEERING = ["direction", "site", "schedule", "operator", "effect"]
CURVE = [*CONTEXT, *STEERING]
# The test set and how it was drawn travel with every row that is tested on it.
STAMPS = ["selection", "selected_on_outcome"]
LEVEL = 0.95
STEPS = "n_steps"
# States of a store whose tables are kept at once.
REMEMBERED = 8
P = ParamSpec("P")
T = TypeVar("T")


def stamp(store: Path | str) -> tuple[int, int, int] | None:
    """What changes when the store's results file is replaced; None while there is none."""
    from store.layout import database_path, open_store

    path = database_path(open_store(Path(store)))
    found = path.stat() if path.exists() else None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found else None


def view(store: Path | str, query: str) -> pd.DataFrame:
    """Rows of a named view, table or query of the store, as a DataFrame.

    Text columns hold None where the store holds NULL, so that a curve without a schedule equals
    another one without a schedule. The answer is kept for as long as the results file is the same.
    """
    return _read(Path(store).resolve(), query, stamp(store)).copy()


def remembered(table: Callable[P, T]) -> Callable[P, T]:
    """A table function that is computed once per state of the store and set of options.

    Tables are built from each other: without this, a report would test the same pairs many times.
    """
    cache: dict[tuple[Any, ...], T] = {}

    @functools.wraps(table)
    def remembering(*given: P.args, **options: P.kwargs) -> T:
        store = Path(cast("Path | str", given[0] if given else options["store"]))
        key = (store.resolve(), stamp(store), given[1:], tuple(sorted(options.items())))
        if key not in cache:
            while len(cache) >= REMEMBERED:
                del cache[next(iter(cache))]
            cache[key] = table(*given, **options)
        found = cache[key]
        return cast("T", found.copy()) if isinstance(found, pd.DataFrame) else found

    return remembering


@functools.lru_cache(maxsize=64)
def _read(store: Path, query: str, stamp: tuple[int, int, int] | None) -> pd.DataFrame:
    from store import read

    return texts_to_objects(read(store, query).to_pandas())


def texts_to_objects(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every text column as Python objects and every missing text as None."""
    frame = frame.copy()
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.StringDtype) or frame[name].dtype == object:
            column = frame[name].astype(object)
            frame[name] = column.where(~column.map(_is_missing).astype(bool), None)
    return frame


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def whole_test_sets(frame: pd.DataFrame, store: Path | str) -> pd.DataFrame:
    """Rows of the problem sets that a direction may be tested on, and of the whole set.

    Left out: training sets, on which directions were fitted; outcomes of problems in no set, where
    there are sets; and a set that was covered in part. Two sets may share problems, so a direction
    that was swept over one has outcomes for a part of the other: a part that nobody drew.
    `n` of the frame counts outcomes of the row, `set_size` (added) problems of the set.
    """
    sets = view(store, "sets_overview").set_index("set_name")
    if frame["set_name"].notna().any():
        frame = frame[frame["set_name"].notna()]
    training = set(sets.index[sets["split"] == "train"])
    frame = frame[~frame["set_name"].isin(training)].reset_index(drop=True)
    size = frame["set_name"].map(sets["n"]).astype(float)
    frame = frame.assign(set_size=size)
    covered = (
        frame.groupby(["condition_id", "set_name"], dropna=False)["n"].transform("sum")
        if "level" in frame
        else frame["n"]
    )
    return frame[size.isna() | (covered >= size * frame["n_seeds"])].reset_index(drop=True)


def matching(frame: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    """Rows that have these values in the columns that the frame has; None equals None."""
    keep = np.ones(len(frame), dtype=bool)
    for name, value in values.items():
        if name in frame.columns:
            keep &= np.array([one == value for one in frame[name]], dtype=bool)
    return frame[keep].reset_index(drop=True)


def groups(frame: pd.DataFrame, columns: list[str]) -> dict[tuple[Any, ...], np.ndarray]:
    """Row positions by the values of `columns`, in order of first appearance.

    None equals None here, as it does not in pandas' own grouping.
    """
    found: dict[tuple[Any, ...], list[int]] = {}
    for position, row in enumerate(frame[columns].itertuples(index=False, name=None)):
        found.setdefault(row, []).append(position)
    return {value: np.asarray(rows) for value, rows in found.items()}


def ordered(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Rows in a stable order with a fresh index; missing values first."""
    present = [name for name in by if name in frame.columns]
    if frame.empty or not present:
        return frame.reset_index(drop=True)

    def rank(column: pd.Series) -> pd.Series:
        if column.dtype == object:
            return column.map(lambda value: "" if value is None else str(value))
        return column

    return frame.sort_values(present, key=rank, kind="stable", na_position="first").reset_index(
        drop=True
    )
