"""What an export is of: one direction at one setting of everything that is not the dose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sql import loader
from sql.errors import UserError

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]
SETTING = (
    "model",
    "protocol",
    "protocol_fields",
    "decoding",
    "dtype",
    "site",
    "schedule",
    "operator",
    "effect",
)
"""What the outcomes of one export have in common."""


@dataclass(frozen=True)
class Chosen:
    """What is exported: a direction at one setting, and the numbers of problems."""

    connection: duckdb.DuckDBPyConnection
    setting: Row
    pair_ids: dict[str, int]

    @property
    def direction_id(self) -> str:
        """Id of the direction."""
        return str(self.setting["direction_id"])

    @property
    def name(self) -> str:
        """Name of the direction."""
        return str(self.setting["direction"])

    def rows(self, query: str, **values: Any) -> list[Row]:
        """Rows of a query of sql/internal as mappings."""
        return _rows(self.connection, query, **values)

    def described(self, **more: Any) -> Row:
        """The model and the setting, as the files of results say them."""
        told = {name: self.setting[name] for name in ("direction", *SETTING)}
        return {"model": self.setting["model"], "setting": {**told, "seed": 0}, **more}


def _rows(connection: duckdb.DuckDBPyConnection, query: str, **values: Any) -> list[Row]:
    result = loader.execute(connection, loader.internal(query), **values)
    columns = [item[0] for item in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def chosen_setting(
    connection: duckdb.DuckDBPyConnection, name: str | None, wanted: Mapping[str, str]
) -> Chosen:
    """The direction of that name or id (without one, the first candidate) at the one setting.

    Raises:
        UserError: There is none, the name stands for several directions, or several settings
            remain.
    """
    unknown = sorted(set(wanted) - set(SETTING))
    if unknown:
        raise UserError(f"no setting is called {unknown[0]!r}: there are {', '.join(SETTING)}")
    settings = [
        row
        for row in _rows(connection, "export_settings", direction=name)
        if all(str(row[column]) == value for column, value in wanted.items())
    ]
    if not settings:
        at = ", ".join(f"{column} {value}" for column, value in wanted.items())
        raise UserError(
            f"nothing was collected with direction {name or '(any candidate)'}"
            f"{f' at {at}' if at else ''}: `steerstat sql STORE directions_overview` lists the "
            "directions"
        )
    # Without a name it is the first candidate; the files say which.
    settings = [row for row in settings if name or row["direction"] == settings[0]["direction"]]
    ids = sorted({row["direction_id"] for row in settings})
    if len(ids) > 1:
        raise UserError(
            f"{len(ids)} directions are called {settings[0]['direction']}: give the id of one, "
            f"--direction {ids[0]} or {ids[1]}"
        )
    if len(settings) > 1:
        raise UserError(_several(settings))
    numbers = _numbered(_pair_ids(connection))
    return Chosen(connection, settings[0], numbers)


def _several(settings: list[Row]) -> str:
    """The one line for a direction that was collected at several settings."""
    values = {column: sorted({str(row[column]) for row in settings}) for column in SETTING}
    differ = {column: found for column, found in values.items() if len(found) > 1}
    column, found = next(iter(differ.items()))
    lists = "; ".join(f"{column}: {', '.join(found)}" for column, found in differ.items())
    return (
        f"{settings[0]['direction']} was collected at {len(settings)} settings and an export is "
        f"of one ({lists}): choose, such as --setting {column}={found[0]}"
    )


def _pair_ids(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int | None]]:
    return loader.execute(connection, loader.internal("export_pair_ids")).fetchall()


def _numbered(problems: list[tuple[str, int | None]]) -> dict[str, int]:
    """A pair_id for every problem: its own where no other has it, else a free number."""
    taken: set[int] = set()
    numbers: dict[str, int] = {}
    for problem, pair_id in problems:
        if pair_id is not None and pair_id not in taken:
            numbers[problem] = pair_id
            taken.add(pair_id)
    free = (i for i in range(len(problems) + len(taken)) if i not in taken)
    return {
        problem: numbers[problem] if problem in numbers else next(free) for problem, _ in problems
    }
