"""Keep verdicts in the store, where the report and SQL find them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.claims.check import Checked


def keep_claims(root: Path, document: str, checked: Sequence[Checked]) -> str:
    """Append the verdicts to the store's `claims`; the latest verdict on a claim counts.

    Args:
        root: the store.
        document: title of the document that the claims are about.
        checked: the verdicts.

    Returns:
        The id of the shard; empty where there are no claims.
    """
    from store import append, content_id, open_store

    rows = [
        {
            "claim_id": content_id({"document": document, "claim": claim.id}),
            "document": document,
            "text": claim.text,
            "printed": claim.printed,
            "recomputed": claim.recomputed,
            "verdict": claim.verdict,
            "reason": claim.reason,
        }
        for claim in checked
    ]
    return append(open_store(root), "claims", rows)
