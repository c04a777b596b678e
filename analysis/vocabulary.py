"""The closed words of the field, one `Literal` each, and the one function that checks them.

What is open stays out: a layer, a list of weights, a name that a user gives.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, Literal, TypeVar, get_args

from sql.errors import Refusal

# Tests and intervals.
TestMethod = Literal["midp", "exact", "chi2"]
TieConvention = Literal["one", "fagerland"]
IntervalMethod = Literal["tango", "bonett-price", "wald"]
BootstrapMethod = Literal["percentile", "bca", "exact"]
ResamplingMethod = Literal["percentile", "bca"]
PermutationMethod = Literal["auto", "exact", "random"]
SelectionMethod = Literal["search", "max-t"]
SequenceMethod = Literal["multinomial", "combined"]
Adjustment = Literal["holm", "bh", "by"]
Tail = Literal["two-sided", "greater", "less"]
Model = Literal["fixed", "random"]
Pairing = Literal["seeds", "shared", "independent"]

# What a result says of itself.
Scope = Literal[
    "these problems only", "new problems", "new directions", "new problems and directions"
]
ProblemScope = Literal["new problems", "new problems and directions"]
Status = Literal[
    "ok",
    "no_information",
    "degenerate",
    "too_few_controls",
    "test_interval_disagree",
    "not_converged",
]

# Steering.
Operator = Literal["add", "norm_preserving_add", "project_out", "clamp"]
Effect = Literal["total", "direct"]
LatentSite = Literal["latent", "latent_projected"]
Schedule = Literal["uniform", "first", "last", "magnitude"]
Role = Literal["candidate", "control"]
ProtocolName = Literal["codi", "report", "coconut", "plain", "chat"]
BotPlacement = Literal["before_latents", "first_latent", "none"]

# Problems, runs and their outcomes.
Split = Literal["train", "test"]
ArithmeticSplit = Literal["train", "held_out"]
Selection = Literal["all", "random", "balanced_on_baseline"]
RunStatus = Literal["running", "complete", "interrupted", "failed"]
OutcomeStatus = Literal["ok", "parse_fail", "truncated", "error"]

# Plans and what comes of them.
PlanTest = Literal["midp", "exact"]
PlanCorrection = Literal[Adjustment, "none"]
Against = Literal["baseline", "controls", "both"]
ExpectedSide = Literal["gain", "loss", "either"]
StoppingRule = Literal["e-value", "none"]
Decision = Literal["continue", "decided", "futile"]
Stamp = Literal["confirmatory", "exploratory"]

# Claims.
ClaimKind = Literal[
    "value",
    "interval",
    "p",
    "decision",
    "order",
    "count",
    "monotonicity",
    "equivalence",
    "setting",
    "absence",
]
ClaimVerdict = Literal["PASS", "VALUE-DRIFT", "DECISION-DRIFT", "UNDETERMINED", "FAIL"]
Course = Literal["increasing", "decreasing"]

# What is computed of a store, and how it is shown.
AnalysisFamily = Literal["alphas", "controls", "strata", "curves"]
CalibrationSection = Literal[
    "pairs",
    "controls",
    "searches",
    "curves",
    "strata",
    "clusters",
    "looks",
    "means",
    "sequences",
]
StyleName = Literal["nature", "neurips", "acl", "slides", "report"]
FigureFormat = Literal["svg", "pdf", "png"]
ReportFormat = Literal["md", "html", "tex"]
TableFormat = Literal["tex", "md", "csv"]
PrintFormat = Literal[FigureFormat, TableFormat]
Axis = Literal["quantitative", "temporal", "nominal"]
Mark = Literal["line", "point", "bar"]

T = TypeVar("T")


def checked(value: T, kind: Any, what: str) -> T:
    """`value`, which is one of the words of `kind`.

    Args:
        value: what was given.
        kind: one of the `Literal` types of this module.
        what: what the word is, as the message calls it.

    Raises:
        Refusal: it is no such word; the message lists those that are.
    """
    allowed = get_args(kind)
    if value in allowed:
        return value
    near = difflib.get_close_matches(str(value), allowed, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise Refusal(f"unknown {what} {value!r}: {meant}there are {', '.join(allowed)}")


def all_checked(values: Sequence[T], kind: Any, what: str) -> Sequence[T]:
    """`values`, each of which is one of the words of `kind`, and of which there is one at least.

    Raises:
        Refusal: there is none, or one is no such word; the message lists those that are.
    """
    if not values:
        raise Refusal(f"no {what} given: any of {', '.join(get_args(kind))}")
    for value in values:
        checked(value, kind, what)
    return values
