"""Claims: every number and sentence of a document, re-verified against the data behind it."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "Checked": "check",
    "check_file": "check",
    "check_claims": "check",
    "load_claims": "schema",
    "ClaimsFile": "schema",
    "StoreRows": "stored",
    "keep_claims": "keep",
    "scan_document": "scan",
    "draft_claims": "draft",
    "render_document": "render",
    "tables_that_fit": "margins",
    "enumerate_claim": "margins",
    "possible_counts": "grim",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'analysis.claims' has no attribute {name!r}")
    return getattr(importlib.import_module(f"analysis.claims.{_HOMES[name]}"), name)
