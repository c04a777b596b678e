"""The closed words of the field, one `Literal` each; `checked` (`sql.words`) checks them.

What is open stays out: a layer, a list of weights, a name that a user gives. Beside
them stand the levels of tests and intervals.
"""

from __future__ import annotations

from typing import Literal

from sql.words import OutcomeStatus as OutcomeStatus
from sql.words import Role as Role
from sql.words import all_checked as all_checked
from sql.words import checked as checked
from sql.words import shown as shown

# What is estimated: whether an answer can be read and is right (`readable_right` in sql/).
Estimand = Literal["readable right answer"]
ESTIMAND: Estimand = "readable right answer"

# What decides wherever nothing else is asked: the level of a test, half of it for each of two
# one-sided tests, and the level of an interval.
SIGNIFICANCE, CONFIDENCE = 0.05, 0.95
ONE_SIDED_SIGNIFICANCE = SIGNIFICANCE / 2

# Tests and intervals.
TestMethod = Literal["midp", "exact", "chi2"]
UnconditionalMethod = Literal["suissa-shuster", "berger-boos"]
FinalTest = Literal["midp", "exact", "chi2", "e-value"]
TieConvention = Literal["one", "fagerland"]
IntervalMethod = Literal["tango", "bonett-price", "wald"]
BootstrapMethod = Literal["percentile", "bca", "exact"]
ResamplingMethod = Literal["percentile", "bca"]
PermutationMethod = Literal["auto", "exact", "random"]
SelectionMethod = Literal["search", "max-t"]
SequenceMethod = Literal["multinomial", "combined"]
Adjustment = Literal["holm", "bh", "by"]
Tail = Literal["two-sided", "greater", "less"]
Side = Literal["greater", "less"]
Model = Literal["fixed", "random"]
Pairing = Literal["seeds", "shared", "independent"]
JoinedBy = Literal["problem", "id"]

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
    "correlated_controls",
    "not_comparable",
    "test_interval_disagree",
    "not_converged",
    "stopped",
]

# Steering.
Operator = Literal["add", "norm_preserving_add", "project_out", "clamp"]
Effect = Literal["total", "direct"]
LatentSite = Literal["latent", "latent_projected"]
# What the rows of a file's array [n, d] are: one vector per position, one for all, one per layer.
VectorRows = Literal["positions", "everywhere", "layers"]
Schedule = Literal["uniform", "first", "last", "magnitude"]
ProtocolName = Literal["codi", "report", "coconut", "plain", "chat"]
BotPlacement = Literal["before_latents", "first_latent", "none"]
AnswerStart = Literal["eot", "prompt"]
AnswerVocabulary = Literal["less_last", "all"]
Fit = Literal[
    "mean_difference",
    "mean_difference_matched",
    "first_principal_component",
    "logistic_probe",
    "shrinkage_lda",
]
ControlKind = Literal["random_per_position", "random_total_norm", "shuffled_labels"]

# Models.
ModelFamily = Literal["codi", "coconut", "plain"]
Architecture = Literal["gpt2", "llama", "mistral", "qwen2", "qwen3"]  # with a fused network
Dtype = Literal["float32", "bfloat16", "float16"]

# Problems, runs and their outcomes.
Split = Literal["train", "test"]
ArithmeticSplit = Literal["train", "held_out"]
AnswerParser = Literal["number", "choice", "true_false"]
PairSides = Literal["clean", "corrupted", "both"]
Selection = Literal["all", "random", "balanced_on_baseline"]
RunStatus = Literal["running", "complete", "interrupted", "failed"]

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
ClaimVerdict = Literal[
    "PASS",
    "UNDETERMINED",
    "UNSUPPORTED",
    "VALUE-DRIFT",
    "DECISION-DRIFT",
    "DEVIATED",
    "FAIL",
]
Course = Literal["increasing", "decreasing"]

# The audit.
FindingStatus = Literal["found", "clear", "not_applicable", "could_not_run"]
Severity = Literal["hygiene", "weakens", "biases", "decides"]
CheckNeed = Literal["outcomes", "document"]

# What is computed of a store, and how it is shown.
AnalysisFamily = Literal["alphas", "controls", "ranks", "strata", "curves", "logprobs", "scores"]
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
    "bands",
    "accuracies",
    "traps",
    "missing",
    "plans",
    "verdicts",
]
StyleName = Literal["nature", "neurips", "acl", "slides", "report"]
FigureFormat = Literal["svg", "pdf", "png"]
ReportFormat = Literal["md", "html", "tex"]
TableFormat = Literal["tex", "md", "csv"]
PrintFormat = Literal[FigureFormat, TableFormat]
Axis = Literal["quantitative", "temporal", "nominal"]
Mark = Literal["line", "point", "bar"]
