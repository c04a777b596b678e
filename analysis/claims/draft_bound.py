"""Propose claims bound to a store, for tables of accuracies and changes by direction and alpha."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from analysis.claims.documents import Grid
from analysis.claims.draft import (
    Column,
    Drafted,
    bare_row,
    claim_toml,
    columns_of,
    figure_or_none,
    quoted,
    table_toml,
)
from analysis.claims.schema import Stored
from analysis.claims.stored import StoreRows
from sql.errors import UserError

PRIMARY = "McNemar mid-p, Tango"
ENDED = "e-value, confidence sequence"
EFFECT = "accuracy difference"
# What tells two conditions of one direction and dose apart, most telling first.
_SERIES = ("model", "site", "schedule", "operator", "effect", "protocol", "decoding", "dtype")


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

        self.rows = read(store, "accuracy_by_alpha").to_pylist()
        candidates = {r["direction"] for r in self.rows if r["role"] == "candidate"}
        steered = [r for r in self.rows if r["direction"] is not None and r["set_name"]]
        tested = [r for r in steered if r["role"] == "candidate"] or steered
        self.direction = _only("direction", direction, candidates)
        self.set_name = _only("set", set_name, {r["set_name"] for r in tested})
        self.results = StoreRows(store)
        self.ended = {
            (row["direction"], row["alpha"])
            for row in read(store, "stops").to_pylist()
            if row["set_name"] == self.set_name
        }

    def __call__(self, grid: Grid, name: str) -> Drafted:
        """A table and its claims; nothing where its rows are no conditions."""
        columns = columns_of(grid)
        dose = next((c for c in columns if _called(grid, c, ("alpha", "α", "dose"))), None)
        shown = [c for c in columns if c.kind in ("accuracy", "change")]
        if dose is None or not shown:
            return Drafted(notes=("not bound to the store: it needs a column alpha and a figure",))
        named = next((c for c in columns if _called(grid, c, ("direction", "vector"))), None)
        rows, claims, notes = [], [], []
        for number, cells in enumerate(grid.rows, 1):
            texts = [cell.text for cell in cells]
            rows.append([str(number), *(_in_unit(texts[c.index], c) for c in columns)])
            direction = texts[named.index].strip("`* ") if named is not None else self.direction
            alpha = _dose(texts[dose.index])
            if alpha is None:
                notes.append(f"row {number}: {texts[dose.index]!r} is no dose")
                continue
            for column in shown:
                if figure_or_none(texts[column.index]) is None:
                    continue
                binding, why = self._binding(column.kind, direction, alpha)
                if not binding:
                    notes.append(f"row {number}, {grid.header[column.index]!r}: {why}")
                    continue
                claims.append(
                    claim_toml(
                        id=f"{name}.{column.name}.{number}",
                        kind="value",
                        where=f"line {cells[column.index].line or grid.line}",
                        text=f"{column.name} of {direction} at alpha {alpha:g}",
                        printed=f"{{{name}['{number}'].{column.name}}}",
                    )
                    + f"\n{binding}"
                )
        notes += [column.inferred for column in columns if column.inferred]
        if not claims:
            return Drafted(notes=tuple(notes))
        return Drafted(
            table_toml(name, ["row", *(c.name for c in columns)], rows), tuple(claims), tuple(notes)
        )

    def _binding(self, kind: str, direction: str, alpha: float) -> tuple[str, str]:
        """A binding that fits one value of the store, else why there is none."""
        fits = [r for r in self.rows if self._is_condition(r, direction, alpha)]
        if not fits:
            return "", f"the store has no {direction or 'baseline'} at alpha {alpha:g}"
        tells = [key for key in _SERIES if len({r[key] for r in fits}) > 1]
        if tells:
            known = {key: sorted({str(r[key]) for r in fits}) for key in tells}
            return "", f"{len(fits)} conditions of the store fit, apart by {_listed_by(known)}"
        row = fits[0]
        where: dict[str, Any] = {
            "direction": row["direction"] or "",
            "alpha": row["alpha"],
            "set_name": self.set_name,
        }
        if kind == "accuracy":
            return (
                f'query = {{ query = "accuracy_by_alpha", where = {_inline(where)}, '
                'column = "accuracy" }',
                "",
            )
        if row["direction"] is None:
            return "", "the baseline has no change"
        method = ENDED if (row["direction"], row["alpha"]) in self.ended else PRIMARY
        return self._effect(where | {"stratum": ""}, method)

    def _effect(self, contrast: dict[str, Any], method: str) -> tuple[str, str]:
        """The stored effect of a contrast, of no stratum, where there is one."""
        binding = Stored(contrast=contrast, method=method, quantity=EFFECT)
        try:
            self.results.stored(binding)
        except ValueError as error:
            return "", f"{error}; run steerstat analyze first, or bind it by hand"
        return (
            f"result = {{ contrast = {_inline(contrast)}, quantity = {quoted(EFFECT)}, "
            f"method = {quoted(method)} }}",
            "",
        )

    def _is_condition(self, row: dict[str, Any], direction: str, alpha: float) -> bool:
        if row["set_name"] != self.set_name:
            return False
        if alpha == 0 and row["direction"] is None:
            return True
        return bool(row["direction"] == direction and abs(row["alpha"] - alpha) < 1e-9 and alpha)


def _inline(entries: dict[str, Any]) -> str:
    """A table of TOML on one line."""
    shown = (
        f"{key} = {quoted(value) if isinstance(value, str) else repr(value)}"
        for key, value in entries.items()
    )
    return f"{{ {', '.join(shown)} }}"


def _dose(text: str) -> float | None:
    """The dose of a row; a row that is called the baseline has none, which is 0."""
    if re.fullmatch(r"(?i)\W*(?:baseline|none|no steering|unsteered)\W*", text):
        return 0.0
    figure = figure_or_none(text)
    return None if figure is None else float(figure)


def _called(grid: Grid, column: Column, words: Sequence[str]) -> bool:
    said = set(re.findall(r"[a-zα]+", grid.header[column.index].lower()))
    return bool(said & set(words))


def _in_unit(cell: str, column: Column) -> str:
    figure = figure_or_none(cell)
    if figure is None or figure.unit or not column.unit:
        return bare_row(cell)
    return f"{cell}{'' if column.unit == '%' else ' '}{column.unit}"


def _only(what: str, given: str, known: set[Any]) -> str:
    if given:
        if given not in known:
            raise UserError(f"the store has no {what} {given!r}; it has {_listed(known)}")
        return given
    if len(known) != 1:
        raise UserError(f"name the {what} (--{what}); the store has {_listed(known)}")
    return str(next(iter(known)))


def _listed(known: Iterable[Any]) -> str:
    return ", ".join(sorted(map(str, known))) or "none"


def _listed_by(known: dict[str, list[str]]) -> str:
    return "; ".join(f"{key} ({', '.join(values)})" for key, values in known.items())
