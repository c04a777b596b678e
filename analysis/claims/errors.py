"""Why a claim has no verdict, or one without a comparison: whose fault it is decides."""

from __future__ import annotations


class ExpressionError(ValueError):
    """A mistake of the claims file, which is never held against the document."""


class ImpossibleError(ValueError):
    """What the document prints cannot be, whatever the data were."""


class NoEvidenceError(ValueError):
    """Nothing answers the claim: no row fits, or a statistic is undefined there."""
