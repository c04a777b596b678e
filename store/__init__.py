"""The results store: a folder of immutable Parquet shards, and the DuckDB file made from them.

    from store import append, connect, create_store, ingest, read

Names are imported when first used, so that `import store` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

# A function named as its module must be bound before anything else imports that module.
from store.ingest import ingest as ingest

_HOMES = {
    "IngestReport": "store.ingest",
    "TABLES": "store.schema",
    "append": "store.shards",
    "committed": "store.shards",
    "condition_id": "store.identity",
    "connect": "store.database",
    "content_id": "store.identity",
    "create_store": "store.layout",
    "direction_id": "store.identity",
    "model_id": "store.identity",
    "open_store": "store.layout",
    "problem_id": "store.identity",
    "read": "store.database",
    "rebuild": "store.ingest",
    "rows_digest": "store.database",
}

__all__ = sorted([*_HOMES, "ingest"])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'store' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
