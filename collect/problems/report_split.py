"""The report's published problems with its split: read and checked first, stored after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from analysis.vocabulary import Split
from collect.problems.problem_sets import add_set
from collect.problems.problems import Row, add_problems, read_pairs
from sql.errors import UserError
from store import shards
from store.exchange import report_files
from store.exchange.report_files import UNKNOWN


@dataclass(frozen=True)
class PublishedData:
    """The report's files, checked and not stored yet.

    Attributes:
        problems: rows of the table `problems`.
        labels: of the training and of the test set, right or wrong by problem.
        levels: difficulty by problem.
        listed: entries of the split file.
        source: name of the split file.
    """

    problems: list[Row]
    labels: Mapping[str, Mapping[str, bool]]
    levels: Mapping[str, str]
    listed: int
    source: str


@dataclass(frozen=True)
class ReportSplit:
    """What `add_report_split` stored.

    Attributes:
        train, test: names of the two sets.
        listed: entries of the split file.
        repeated: entries that name a problem again within the same set.
        in_both: problems that are in the training *and* the test set: a leak of the split.
    """

    train: str
    test: str
    listed: int
    repeated: int
    in_both: int


def read_published(pairs: Path, split: Path) -> PublishedData:
    """Read the clean questions of the report's pairs, and its split of them.

    Raises:
        UserError: a file is not what it should be, or they do not belong together.
    """
    problems = read_pairs(pairs)
    if problems.errors:
        raise UserError(f"{pairs}: {problems.errors[0]} ({len(problems.errors)} such entries)")
    ids = {json.loads(row["attributes"])["pair_id"]: row["problem_id"] for row in problems.rows}
    parts = report_files.split_parts(report_files.read_json(split), split.name)
    entries = [entry for part in parts.values() for entry in part]
    unknown = [entry["pair_id"] for entry in entries if entry["pair_id"] not in ids]
    if unknown:
        raise UserError(f"{split.name} names pair {unknown[0]}, which {pairs.name} does not have")
    labels = {
        word: {
            ids[entry["pair_id"]]: outcome == "correct"
            for outcome in ("correct", "wrong")
            for entry in parts[f"{word}_{outcome}"]
        }
        for word in get_args(Split)
    }
    levels = dict.fromkeys((ids[entry["pair_id"]] for entry in entries), UNKNOWN)
    for entry in entries:
        if entry.get("difficulty", UNKNOWN) != UNKNOWN:
            levels[ids[entry["pair_id"]]] = str(entry["difficulty"])
    return PublishedData(problems.rows, labels, levels, len(entries), split.name)


def add_report_split(root: Path, data: PublishedData, *, prefix: str = "report") -> ReportSplit:
    """Store the report's problems and split, as problems, two sets and strata.

    The sets are `<prefix>_train` and `<prefix>_test`, labelled as the file says, as
    `balanced_on_baseline`: that is how they were made. The file's difficulty becomes the strata
    scheme `difficulty`. A problem that the file lists twice in one set is one problem of it.

    Raises:
        UserError: a name is taken by another set.
    """
    add_problems(root, data.problems)
    for word, labels in data.labels.items():
        add_set(
            root,
            f"{prefix}_{word}",
            list(labels),
            split=word,
            selection="balanced_on_baseline",
            labels=labels,
        )
    _add_strata(root, "difficulty", data.levels, data.source)
    return ReportSplit(
        train=f"{prefix}_train",
        test=f"{prefix}_test",
        listed=data.listed,
        repeated=data.listed - sum(map(len, data.labels.values())),
        in_both=len(data.labels["train"].keys() & data.labels["test"].keys()),
    )


def _add_strata(root: Path, scheme: str, levels: Mapping[str, str], source: str) -> None:
    known = {
        row["problem_id"]
        for row in shards.committed(root, "strata", ["scheme", "problem_id"]).to_pylist()
        if row["scheme"] == scheme
    }
    rows = [
        {"scheme": scheme, "problem_id": problem, "level": level, "source": source}
        for problem, level in levels.items()
        if problem not in known
    ]
    shards.append(root, "strata", rows)
