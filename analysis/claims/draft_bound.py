"""Propose claims bound to a store, for tables of accuracies and changes by direction and alpha."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.claims.draft import (
    Grid,
    bare_row,
    claim_toml,
    column_called,
    figure_or_none,
    identifier,
    quoted,
    table_toml,
)
from sql.errors import UserError

PRIMARY = "McNemar mid-p, Tango"
ENDED = "e-value, confidence sequence"


class StoreBinder:
    """Binds the rows of a table to the accuracies and effects of a store.

    Args:
        store: the store.
        direction: for tables that name none; the only candidate of the store where not given.
        set_name: the problem set; the only one that was tested where not given.

    Raises:
        UserError: the store has several candidates or sets and none was named.
    """

    def __init__(self, store: Path, *, direction: str = "", set_name: str = "") -> None:
        from store import read

        rows = read(store, "accuracy_by_alpha").to_pylist()
        candidates = {r["direction"] for r in rows if r["role"] == "candidate"}
        tested = {r["set_name"] for r in rows if r["role"] == "candidate" and r["set_name"]}
        self.direction = _only("direction", direction, candidates)
        self.set_name = _only("set", set_name, tested)
        self.ended = {
            (row["direction"], row["alpha"])
            for row in read(store, "stops").to_pylist()
            if row["set_name"] == self.set_name
        }

    def __call__(self, grid: Grid) -> tuple[str, list[str]]:
        """TOML of a table and its claims; nothing where its rows are no conditions."""
        alpha = _called(grid, ("alpha", "α", "dose"))
        accuracy, change = (
            column_called(grid, words, unit)
            for words, unit in ((("accuracy", "acc"), "%"), (("change", "effect"), "pts"))
        )
        if alpha is None or (accuracy is None and change is None):
            return "", []
        named = _called(grid, ("direction",))
        columns = ["row", *(identifier(header) for header in grid.header)]
        rows, claims = [], []
        for number, cells in enumerate(grid.rows, 1):
            dose = figure_or_none(cells[alpha])
            if dose is None:
                continue
            row = f"{number}"
            direction = cells[named] if named is not None else self.direction
            rows.append([row, *map(bare_row, cells)])
            where = self._where(direction, float(dose))
            method = ENDED if (direction, float(dose)) in self.ended else PRIMARY
            for column, binding in ((accuracy, _accuracy(where)), (change, _effect(where, method))):
                if column is None or figure_or_none(cells[column]) is None:
                    continue
                name = columns[column + 1]
                claims.append(
                    claim_toml(
                        id=f"{grid.name}.{name}.{row}",
                        kind="value",
                        where=f"line {grid.line}",
                        text=f"{name} of {direction} at alpha {dose.text}",
                        printed=f"{{{grid.name}[{row!r}].{name}}}",
                    )
                    + f"\n{binding}"
                )
        if not claims or len(set(columns)) < len(columns):
            return "", []
        return table_toml(grid.name, columns, rows), claims

    def _where(self, direction: str, alpha: float) -> str:
        """Conditions that pick the row; a baseline has no direction."""
        who = f"direction = {quoted(direction)}, " if alpha else ""
        return f"{{ {who}alpha = {alpha!r}, set_name = {quoted(self.set_name)} }}"


def _accuracy(where: str) -> str:
    return f'query = {{ query = "accuracy_by_alpha", where = {where}, column = "accuracy" }}'


def _effect(where: str, method: str) -> str:
    return f"result = {{ contrast = {where}, method = {quoted(method)} }}"


def _called(grid: Grid, words: Sequence[str]) -> int | None:
    for index, header in enumerate(grid.header):
        if header.strip().lower() in words:
            return index
    return None


def _only(what: str, given: str, known: set[Any]) -> str:
    if given:
        if given not in known:
            raise UserError(f"the store has no {what} {given!r}; it has {_listed(known)}")
        return given
    if len(known) != 1:
        raise UserError(f"name the {what} (--{what}); the store has {_listed(known)}")
    return str(next(iter(known)))


def _listed(known: set[Any]) -> str:
    return ", ".join(sorted(map(str, known))) or "none"
