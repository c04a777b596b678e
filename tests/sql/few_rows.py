"""A results database of a few rows, typed by hand: what the tests of views and queries ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sql import loader
from store.schema import TABLES
from tests.results_files import create

R, W = True, False
"""Right and wrong; a status such as "truncated" is a missing outcome."""

CONDITION = {
    "model_id": "m",
    "direction_id": None,
    "alpha": 0.0,
    "protocol": "codi",
    "protocol_fields": "{}",
    "decoding": '{"mode":"greedy"}',
    "dtype": "float32",
}
STEERED = {"site": "latent", "schedule": "uniform", "operator": "add", "effect": "total"}
DIRECTION = {"kind": "mean_difference", "role": "candidate", "site": "latent"}


def insert(connection: Any, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows into a table, missing columns NULL."""
    for row in rows:
        names = ", ".join(loader.quote(name) for name in row)
        marks = ", ".join(f"${name}" for name in row)
        statement = f"INSERT INTO {loader.quote(table)} ({names}) VALUES ({marks})"
        connection.execute(statement, dict(row))


def database(
    outcomes: Mapping[Any, Mapping[str, Any]],
    *,
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
    directions: Mapping[str, Mapping[str, Any]] | None = None,
    problems: Mapping[str, int | None] | None = None,
    sets: Mapping[str, tuple[str, Iterable[str]]] | None = None,
    **tables: list[dict[str, Any]],
) -> Any:
    """An in-memory results database with every macro and view.

    `outcomes` maps a condition's name, or (name, seed), to {problem: R | W | status | dict of
    columns}. A condition is a baseline unless `conditions` names its direction; the names of
    things are their ids. Directions that conditions name and `directions` does not are candidates.
    """
    connection = create(None)
    keyed = {(key if isinstance(key, tuple) else (key, 0)): rows for key, rows in outcomes.items()}
    named = {name: (conditions or {}).get(name, {}) for name, _ in keyed} | dict(conditions or {})
    known: dict[str, Mapping[str, Any]] = {
        c["direction"]: {} for c in named.values() if "direction" in c
    }
    known.update(directions or {})
    steps = problems or {name: None for rows in keyed.values() for name in rows}
    insert(connection, "models", [{"model_id": "m", "name": "model"}])
    insert(connection, "directions", (_direction(name, known[name]) for name in known))
    insert(connection, "conditions", (_condition(name, named[name]) for name in named))
    insert(
        connection,
        "problems",
        (
            {"problem_id": name, "question": f"question {name}", "answer": "1", "n_steps": n}
            for name, n in steps.items()
        ),
    )
    for name, (selection, members) in (sets or {}).items():
        shared = {"set_name": name, "split": "test", "selection": selection}
        insert(connection, "problem_sets", ({**shared, "problem_id": p} for p in members))
    _outcomes(connection, keyed, list(named), list(steps))
    for table, rows in tables.items():
        assert table in TABLES
        insert(connection, table, rows)
    return connection


def _direction(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"direction_id": name, "name": name, **DIRECTION, **given}


def _condition(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    row = {"condition_id": name, **CONDITION, **given}
    if "direction" in row:
        row = {**row, **STEERED, **given, "direction_id": row["direction"]}
        del row["direction"]
    return row


def _outcomes(
    connection: Any,
    keyed: Mapping[tuple[str, int], Mapping[str, Any]],
    conditions: list[str],
    problems: list[str],
) -> None:
    number = {name: i + 1 for i, name in enumerate(conditions)}
    places = {name: i + 1 for i, name in enumerate(problems)}
    keys = [{"condition_no": i, "condition_id": name} for name, i in number.items()]
    insert(connection, "condition_keys", keys)
    keys = [{"problem_no": i, "problem_id": name} for name, i in places.items()]
    insert(connection, "problem_keys", keys)
    insert(connection, "run_keys", [{"run_no": 1, "run_id": "run"}])
    for (condition, seed), rows in keyed.items():
        key = {"condition_no": number[condition], "seed": seed, "run_no": 1}
        for problem, value in rows.items():
            row = {**key, "problem_no": places[problem], **_outcome(value)}
            insert(connection, "outcome_rows", [row])


def _outcome(value: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"status": "ok", "fragile": False}
    if isinstance(value, dict):
        return row | value
    return row | ({"status": value} if isinstance(value, str) else {"correct": value})


def rows(
    connection: Any, query: str, columns: str = "*", **parameters: Any
) -> list[tuple[Any, ...]]:
    """Rows of a query in a file, or of a view or SQL text; only these columns."""
    named = loader.queries() | loader.scripts("internal")
    if query in named:
        script = named[query]
        text = script.text.strip().rstrip(";")
        return connection.execute(
            f"SELECT {columns} FROM ({text}\n)", script.values(parameters)
        ).fetchall()
    source = query if " " in query else f"FROM {loader.quote(query)}"
    return connection.execute(f"SELECT {columns} FROM ({source})", parameters or None).fetchall()
