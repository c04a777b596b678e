"""Two files of others, or two conditions of a store or a file, compared."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis import words
from analysis.pairs.comparison import Comparison
from analysis.pairs.joining import Outcome, Side
from analysis.pairs.judging import judged
from analysis.statistics.controls import controls_needed
from analysis.vocabulary import ONE_SIDED_SIGNIFICANCE, JoinedBy, checked
from sql import loader
from sql.errors import UserError
from sql.printable import one_line
from sql.words import meant

BASELINE = "baseline"
_SETTINGS = ("model", "protocol", "protocol_fields", "decoding", "dtype")
# How a direction is applied, by which its controls are as well.
_APPLIED = ("site", "schedule", "operator", "effect", "alpha")
# As for `steerstat problems add`: beyond it a file was misread rather than damaged.
_SHORTEST_ID = 6

Row = dict[str, Any]


def compare_files(
    baseline: str | Path,
    steered: str | Path,
    *,
    on: JoinedBy = "problem",
    mapping: Mapping[str, str] | None = None,
    filters: Mapping[str, str] | None = None,
    right_from: float | None = None,
    confidence: float = 0.95,
    allow_bad: bool = False,
) -> Comparison:
    """Compare two files of any format that an import reads, each of one condition.

    Args:
        on: ``"problem"`` joins equal questions with equal gold answers; ``"id"`` what the files
            call their problems, whatever they ask.
        mapping, filters, right_from: how the files' rows are read, as for an import.
        confidence: of the intervals; 1 less it is the level of the test.
        allow_bad: go on where more than 1 % of a file's rows cannot be used.

    Raises:
        UserError: A file cannot be read, holds several conditions or too many rows that cannot be
            used, or nothing pairs.
    """
    checked(on, JoinedBy, "on")
    rows = {"mapping": mapping, "filters": filters, "right_from": right_from}
    files = [Path(baseline), Path(steered)]
    if files[0].name == files[1].name:
        names = [str(file) for file in files]
    else:
        names = [file.name for file in files]
    sides = []
    for file, name in zip(files, names, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            store, unusable, notes = _imported(file, Path(folder), rows, allow_bad)
            condition = _only(_conditions(store), name)
            outcomes = _outcomes(store, condition, None)
            sides.append(_side(condition, name, outcomes, on, unusable, notes))
    return judged(*sides, joined_by=_WORDS[on], confidence=confidence)


def compare_conditions(
    place: str | Path,
    baseline: str,
    steered: str,
    *,
    set_name: str | None = None,
    on: JoinedBy = "problem",
    mapping: Mapping[str, str] | None = None,
    filters: Mapping[str, str] | None = None,
    right_from: float | None = None,
    confidence: float = 0.95,
    allow_bad: bool = False,
) -> Comparison:
    """Compare two conditions of a store, or of one file.

    Args:
        place: folder of the store, or a file of any format that an import reads.
        baseline, steered: ``"baseline"`` (that of the other condition), a direction with its dose
            as ``name=-3`` (without one where it has one), or the beginning of a condition's id.
        set_name: only the problems of this set; by default all that both conditions answered, as
            what one alone has was not asked of the other.
        on, mapping, filters, right_from, confidence, allow_bad: as in `compare_files`.

    Raises:
        UserError: There is no such store, file, condition or set, or nothing pairs.
    """
    checked(on, JoinedBy, "on")
    path = Path(place)
    if path.is_dir() or not path.exists():
        asked = set_name is not None
        return _within(path, baseline, steered, set_name, on, confidence, all_asked=asked)
    rows = {"mapping": mapping, "filters": filters, "right_from": right_from}
    with tempfile.TemporaryDirectory() as folder:
        store, unusable, notes = _imported(path, Path(folder), rows, allow_bad)
        return _within(store, baseline, steered, set_name, on, confidence, (unusable, notes))


_WORDS: dict[str, str] = {"problem": "question and gold answer", "id": "the files' own ids"}


def _within(
    store: Path,
    baseline: str,
    steered: str,
    set_name: str | None,
    on: JoinedBy,
    confidence: float,
    read: tuple[Sequence[str], Sequence[str]] = ((), ()),
    *,
    all_asked: bool = True,
) -> Comparison:
    unusable, notes = read
    conditions = _conditions(store)
    if steered == BASELINE:
        before = _named(conditions, baseline, None)
        after = _named(conditions, steered, before)
    else:
        after = _named(conditions, steered, None)
        before = _named(conditions, baseline, after)
    if before["direction"] and not after["direction"]:
        raise UserError(
            f"{_label(before)} is steered and {_label(after)} is a baseline: change their order"
        )
    members = _members(store, set_name)
    inside = None if set_name is None else members[set_name]
    outcomes = [_outcomes(store, row, inside) for row in (before, after)]
    sides = [
        _side(row, _label(row), rows, on, unusable if row is after else (), notes)
        for row, rows in zip((before, after), outcomes, strict=True)
    ]
    shared = set.intersection(*({row["problem_id"] for row in rows} for rows in outcomes))
    return judged(
        *sides,
        joined_by=_WORDS[on] + ("" if set_name is None else f", set {set_name}"),
        confidence=confidence,
        selected=_selected(store, members, shared, set_name),
        controls=_controls(conditions, after),
        all_asked=all_asked,
    )


def _imported(
    file: Path, folder: Path, rows: Mapping[str, Any], allow_bad: bool
) -> tuple[Path, list[str], list[str]]:
    """A store of one file in `folder`, the rows that could not be used, and the notes."""
    from store import ingest
    from store.exchange.importers import import_file
    from store.exchange.tidy import Steered

    store = folder / "store"
    how: dict[str, Any] = {**rows, "allow_bad": allow_bad}
    try:
        report = import_file(store, file, **how)
    except Steered:  # what it was steered with is not asked of one side of a pair
        report = import_file(store, file, **how, direction="steered")
    if not report.added.get("outcomes", 0):
        first = f": {report.errors[0]}" if report.errors else ""
        raise UserError(f"{file} has no outcome that can be used{first}")
    ingest(store)
    return store, report.errors, report.notes


def _conditions(store: Path) -> list[Row]:
    """Every condition with outcomes."""
    from store import read

    rows: list[Row] = read(store, "condition_details").to_pylist()
    return [row for row in rows if row["condition_no"] is not None]


def _only(conditions: Sequence[Row], name: str) -> Row:
    if len(conditions) != 1:
        raise UserError(
            f"{name} holds {len(conditions)} conditions ({_listed(conditions)}): compare two of "
            "them with --in, or keep one in each file"
        )
    return conditions[0]


def _named(conditions: Sequence[Row], name: str, other: Row | None) -> Row:
    """The condition of a name; a baseline is that of the `other`, if there is one."""
    if name == BASELINE and other is not None:
        found = [row for row in conditions if row["condition_id"] == other["baseline_id"]]
    elif name == BASELINE:
        found = [row for row in conditions if row["direction"] is None]
    else:
        direction, _, dose = name.rpartition("=")
        value = _dose(dose) if direction else None
        found = [
            row
            for row in conditions
            if row["direction"] is not None
            and (row["direction"] == name or (row["direction"], row["alpha"]) == (direction, value))
        ]
        if not found and len(name) >= _SHORTEST_ID:
            found = [row for row in conditions if row["condition_id"].startswith(name)]
    if not found:
        near = meant(name, {_label(row) for row in conditions})
        raise UserError(f"no condition {name!r}: {near}there are {_listed(conditions)}")
    if len(found) > 1:
        ids = ", ".join(f"{_label(row)} {row['condition_id'][:12]}" for row in found[:4])
        raise UserError(
            f"{name!r} is {len(found)} conditions: name one by its dose (name=-3) or the beginning "
            f"of its id ({ids}{', …' if len(found) > 4 else ''})"
        )
    return found[0]


def _dose(text: str) -> float | None:
    try:
        return float(text.replace("−", "-"))
    except ValueError:
        return None


def _label(row: Row) -> str:
    return BASELINE if row["direction"] is None else f"{row['direction']}={row['alpha']:g}"


def _listed(conditions: Sequence[Row]) -> str:
    """Names of conditions, candidates first; the first few of many."""
    by_role = sorted(conditions, key=lambda row: (row["role"] == "control", _label(row)))
    names = list(dict.fromkeys(map(_label, by_role)))
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more if names else "none"


def _outcomes(store: Path, condition: Row, inside: set[str] | None) -> list[Row]:
    from store.querying import read_script

    script = loader.internal("condition_outcomes")
    rows: list[Row] = read_script(store, script, condition=condition["condition_id"]).to_pylist()
    return [row for row in rows if inside is None or row["problem_id"] in inside]


def _side(
    condition: Row,
    name: str,
    rows: Sequence[Row],
    on: JoinedBy,
    unusable: Sequence[str],
    notes: Sequence[str],
) -> Side:
    outcomes = [
        Outcome(
            row["problem_id"] if on == "problem" else _key(row, name),
            row["seed"],
            row["readable_right"],
            row["correct"],
            row["question"],
        )
        for row in rows
    ]
    settings = {field: str(condition[field]) for field in _SETTINGS}
    return Side(name=name, outcomes=outcomes, settings=settings, unusable=unusable, notes=notes)


def _key(row: Row, name: str) -> str:
    """What the file called a problem."""
    try:
        attributes = json.loads(row["attributes"] or "{}")
    except (ValueError, RecursionError):
        attributes = {}
    if not isinstance(attributes, dict) or "key" not in attributes:
        raise UserError(
            f"{name} has no id for the problem {one_line(str(row['question']))[:60]!r}: join by "
            "problem, or name the column of ids with --map problem=column"
        )
    return str(attributes["key"])


def _members(store: Path, set_name: str | None) -> dict[str, set[str]]:
    """Problems by set. Raises UserError where the set that is asked for is none of them."""
    from store import read

    members: dict[str, set[str]] = {}
    for row in read(store, "problem_sets").to_pylist():
        members.setdefault(row["set_name"], set()).add(row["problem_id"])
    if set_name is not None and set_name not in members:
        raise UserError(f"no set {set_name!r}: there are {', '.join(sorted(members)) or 'none'}")
    return members


def _selected(
    store: Path, members: Mapping[str, set[str]], problems: set[str], set_name: str | None
) -> bool:
    """Whether the problems come from sets alone that were selected on the outcome."""
    from store import read

    selected = [
        row["selected_on_outcome"]
        for row in read(store, "sets_overview").to_pylist()
        if (row["set_name"] == set_name if set_name else problems <= members[row["set_name"]])
    ]
    return bool(selected) and all(selected)


def _controls(conditions: Sequence[Row], steered: Row) -> str | None:
    """What the store has of controls for a steered condition; None where it has none."""
    alike = [
        row
        for row in conditions
        if row["role"] == "control"
        and row["parent_id"] in (None, steered["direction_id"])
        and all(row[name] == steered[name] for name in (*_SETTINGS, *_APPLIED))
    ]
    k = len({row["direction_id"] for row in alike})
    if not k or steered["role"] == "control":
        return None
    least = controls_needed(ONE_SIDED_SIGNIFICANCE, tail="greater")
    enough = "" if k >= least else f" (a rank needs {least})"
    return (
        f"Whether it is this direction: {words.counted(k, 'control direction')} ran at this dose"
        f"{enough}, and this page does not look at them; steerstat report ranks it among them."
    )
