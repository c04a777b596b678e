"""The tables of a store: columns, keys and what counts as equal content.

This module is plain data, so that `import store` stays light: pyarrow is imported only when a
table's Arrow schema is asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 2
"""Newest version of the shards' columns; a shard records its own.

1 has the columns of its table; 2 has those of `HISTORY` as well.
"""

PLAIN_VERSION = 1
"""Version of a shard without history."""


MOST_SEED = 2**63 - 1
"""The largest seed: every `rng_seed` is an int64."""

MOST_REVISIONS = 1_000_000
"""A unit is not set aside and computed anew more often than this."""

FAILED = ("parse_fail", "truncated", "error")
"""Statuses of outcomes that are neither right nor wrong."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its type, whether it may be NULL, and how two copies of a row compare.

    `compare` is "exact" (part of a row's content), "close" (a float that must agree within the
    tolerance) or "ignore" (provenance: the first committed row wins).
    """

    name: str
    type: str
    null: bool
    compare: str


HISTORY = (
    Column(name="origin", type="text", null=True, compare="ignore"),
    Column(name="revision", type="int32", null=True, compare="ignore"),
)
"""What decides between copies of a row, where it is not that of its shard.

`origin` is the shard that the row was first written in (of a compacted shard's rows); `revision`
counts how often the unit had been set aside as contradictory when this row of it was computed.
NULL: the shard itself, and never.
"""


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of the store: its columns, the key of a row, and which of two copies wins."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    last_wins: bool = False

    @functools.cached_property
    def arrow(self) -> pa.Schema:
        """The pyarrow schema of a shard of this table."""
        return _schema(self.columns)

    @functools.cached_property
    def arrow_with_history(self) -> pa.Schema:
        """The pyarrow schema of a shard of this table that has the columns of `HISTORY`."""
        return _schema((*self.columns, *HISTORY))

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    @property
    def first_wins(self) -> bool:
        """Whether the first committed row of a key stays, whatever later ones say: descriptions."""
        return not self.last_wins and self.name != "outcomes"

    def compared(self, how: str) -> list[str]:
        """Names of the columns that are compared `how` ("exact", "close"), keys left out."""
        return [c.name for c in self.columns if c.compare == how and c.name not in self.key]


def _schema(columns: tuple[Column, ...]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field(c.name, _arrow_type(c.type), nullable=c.null) for c in columns])


def _arrow_type(name: str) -> pa.DataType:
    import pyarrow as pa

    plain: Mapping[str, pa.DataType] = {
        "text": pa.string(),
        "json": pa.string(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("us"),
    }
    if name.startswith("list<"):
        return pa.list_(plain[name[5:-1]])
    return plain[name]


def _table(name: str, key: str, columns: str, *, last_wins: bool = False) -> Table:
    """A table from one line per column: `name type`, `?` after the type for NULL allowed.

    A leading `~` marks a float compared within the tolerance, `-` a column of provenance.
    """
    parsed = []
    for line in filter(None, (line.strip() for line in columns.splitlines())):
        compare = {"~": "close", "-": "ignore"}.get(line[0], "exact")
        label, kind = line.lstrip("~-").split()
        parsed.append(
            Column(name=label, type=kind.rstrip("?"), null=kind.endswith("?"), compare=compare)
        )
    return Table(name=name, key=tuple(key.split()), columns=tuple(parsed), last_wins=last_wins)


_ALL = (
    _table(
        "runs",
        "run_id",
        """
        run_id text
        created_at timestamp
        finished_at timestamp?
        status text
        command text?
        code_version text?
        git_commit text?
        library_versions json?
        host text?
        device text?
        rng_seed int64?
        plan_id text?
        gates json?
        """,
        last_wins=True,
    ),
    _table(
        "models",
        "model_id",
        """
        model_id text
        -name text
        family text
        weights_sha256 text
        tokenizer_sha256 text
        n_layer int32?
        d_model int32?
        n_latent int32?
        """,
    ),
    _table(
        "model_facts",
        "model_id fact",
        """
        model_id text
        fact text
        value text
        """,
    ),
    _table(
        "problems",
        "problem_id",
        """
        problem_id text
        question text
        answer text
        n_steps int32?
        attributes json?
        -source text?
        """,
    ),
    _table(
        "problem_sets",
        "set_name problem_id",
        """
        set_name text
        problem_id text
        split text
        selection text
        -run_id text?
        label bool?
        """,
    ),
    _table(
        "directions",
        "direction_id",
        """
        direction_id text
        name text
        kind text
        role text
        site text
        ~norm double?
        ~norm_by_position list<double>?
        parent_id text?
        recipe json?
        fitted_on json?
        rng_seed int64?
        -created_at timestamp?
        """,
    ),
    _table(
        "direction_vectors",
        "direction_id position",
        """
        direction_id text
        position int32
        ~values list<float>
        """,
    ),
    _table(
        "conditions",
        "condition_id",
        """
        condition_id text
        model_id text
        direction_id text?
        alpha double
        schedule text?
        site text?
        operator text?
        effect text?
        protocol text
        protocol_fields json?
        decoding json?
        dtype text
        """,
    ),
    _table(
        "outcomes",
        "condition_id problem_id seed",
        """
        condition_id text
        problem_id text
        seed int32
        -run_id text?
        tokens list<int32>?
        -text text?
        answer text?
        status text
        correct bool?
        ~gold_logprob float?
        ~margin float?
        -fragile bool?
        ~norm_before list<float>?
        ~norm_after list<float>?
        ~norm_fed list<float>?
        ~cosine list<float>?
        """,
    ),
    _table(
        "scores",
        "condition_id problem_id seed name",
        """
        condition_id text
        problem_id text
        seed int32
        name text
        value double?
        -run_id text?
        """,
    ),
    _table(
        "activations",
        "model_id protocol problem_id site position",
        """
        model_id text
        protocol text
        problem_id text
        site text
        position int32
        ~values list<float>
        """,
    ),
    _table(
        "strata",
        "scheme problem_id",
        """
        scheme text
        problem_id text
        level text
        -source text?
        -run_id text?
        """,
    ),
    _table(
        "plans",
        "plan_id",
        """
        plan_id text
        text text
        sha256 text
        -frozen_at timestamp
        superseded text?
        """,
        last_wins=True,
    ),
    _table(
        "analyses",
        "analysis_id",
        """
        analysis_id text
        method text
        parameters json?
        rows_digest text?
        -code_version text?
        rng_seed int64?
        plan_id text?
        """,
    ),
    _table(
        "results",
        "analysis_id name",
        """
        analysis_id text
        name text
        quantity text
        contrast json?
        ~estimate double?
        ~low double?
        ~high double?
        ~level double?
        ~p double?
        ~p_adjusted double?
        ~statistic double?
        n int64?
        gained int64?
        lost int64?
        k int64?
        family_size int64?
        method text?
        status text?
        family text?
        scope text?
        selected_on_outcome bool?
        stamp text?
        """,
    ),
    _table(
        "claims",
        "claim_id",
        """
        claim_id text
        document text
        text text?
        printed text?
        recomputed text?
        verdict text
        reason text?
        """,
        last_wins=True,
    ),
    _table(
        "audit_findings",
        "store_digest check_id",
        """
        store_digest text
        check_id text
        status text
        severity text?
        n_affected int64?
        n_checked int64?
        quantity text?
        ~estimate double?
        ~low double?
        ~high double?
        consequence text?
        verdicts json?
        sql text?
        rows_digest text?
        action text?
        reference text?
        why text?
        accepted text?
        -accepted_at timestamp?
        -code_version text?
        """,
        last_wins=True,
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _ALL}
"""Every table by name, in the order in which they are ingested."""
