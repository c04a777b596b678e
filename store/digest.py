"""Digest of the state of a store: its outcomes, and what describes them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from store.database import rows_digest
from store.querying import read
from store.schema import TABLES

# What was concluded from a store is no part of its state, and activations say nothing that the
# directions fitted on them do not say.
_LEFT_OUT = frozenset(
    {"activations", "analyses", "audit_findings", "claims", "direction_vectors", "outcomes",
     "results"}
)  # fmt: skip


def store_digest(root: str | Path) -> str:
    """sha256 (hex) of a store's results and of every row that describes them.

    Analyses, claims and findings do not enter: concluding something changes nothing that was
    measured. Raises UserError as `read`.
    """
    digest = hashlib.sha256(rows_digest(root).encode())
    for name, table in TABLES.items():
        if name in _LEFT_OUT:
            continue
        names = [*table.key, *table.compared("exact")]
        rows = read(root, name).select(names).to_pylist()
        lines = sorted(json.dumps(row, sort_keys=True, default=str) for row in rows)
        digest.update("\n".join([name, *lines]).encode())
    return digest.hexdigest()
