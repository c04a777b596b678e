from .pairs.comparison import Bounds as Bounds
from .pairs.comparison import Comparison as Comparison
from .pairs.frames import compare as compare
from .pairs.sources import compare_conditions as compare_conditions
from .pairs.sources import compare_files as compare_files
from .statistics.bootstrap import (
    bootstrap_difference as bootstrap_difference,
)
from .statistics.bootstrap import (
    bootstrap_mean as bootstrap_mean,
)
from .statistics.clustered import clustered_difference as clustered_difference
from .statistics.controls import (
    compare_signed_to_controls as compare_signed_to_controls,
)
from .statistics.controls import (
    compare_to_controls as compare_to_controls,
)
from .statistics.curve import confidence_curve as confidence_curve
from .statistics.discordance import discordance as discordance
from .statistics.dose import dose_response as dose_response
from .statistics.dose_controls import dose_against_controls as dose_against_controls
from .statistics.equivalence import equivalence as equivalence
from .statistics.equivalence import non_inferiority as non_inferiority
from .statistics.families import adjust as adjust
from .statistics.families import cochrans_q as cochrans_q
from .statistics.fragility import fragility as fragility
from .statistics.intervals import paired_difference as paired_difference
from .statistics.intervals import wilson as wilson
from .statistics.missing import missing_bounds as missing_bounds
from .statistics.missing import missing_table as missing_table
from .statistics.missing import missingness_trend as missingness_trend
from .statistics.mixed import mixed_model as mixed_model
from .statistics.one_against_controls import (
    candidate_minus_controls as candidate_minus_controls,
)
from .statistics.one_against_controls import (
    controls_power as controls_power,
)
from .statistics.over_doses import beyond_controls as beyond_controls
from .statistics.over_doses import control_correlation as control_correlation
from .statistics.over_doses import order_interval as order_interval
from .statistics.paired import (
    mcnemar as mcnemar,
)
from .statistics.paired import (
    paired_counts as paired_counts,
)
from .statistics.paired import (
    sign_test as sign_test,
)
from .statistics.permutation import permutation_test as permutation_test
from .statistics.power import (
    mcnemar_power as mcnemar_power,
)
from .statistics.power import (
    minimum_detectable_effect as minimum_detectable_effect,
)
from .statistics.power import (
    sample_size as sample_size,
)
from .statistics.power_designs import equivalence_power as equivalence_power
from .statistics.power_designs import signed_power as signed_power
from .statistics.power_designs import trend_power as trend_power
from .statistics.results import Estimate as Estimate
from .statistics.results import Refusal as Refusal
from .statistics.results import Result as Result
from .statistics.results import stamped as stamped
from .statistics.selection import best_alpha as best_alpha
from .statistics.sequential import (
    confidence_sequence as confidence_sequence,
)
from .statistics.sequential import (
    e_value as e_value,
)
from .statistics.sequential import (
    futility as futility,
)
from .statistics.signflips import max_t as max_t
from .statistics.spread import control_spread as control_spread
from .statistics.strata import (
    stratified_difference as stratified_difference,
)
from .statistics.strata import (
    stratum_homogeneity as stratum_homogeneity,
)
from .statistics.unconditional import unconditional_test as unconditional_test

__all__ = [
    "Bounds",
    "Comparison",
    "Estimate",
    "Refusal",
    "Result",
    "adjust",
    "best_alpha",
    "beyond_controls",
    "bootstrap_difference",
    "bootstrap_mean",
    "candidate_minus_controls",
    "clustered_difference",
    "cochrans_q",
    "compare",
    "compare_conditions",
    "compare_files",
    "compare_signed_to_controls",
    "compare_to_controls",
    "confidence_curve",
    "confidence_sequence",
    "control_correlation",
    "control_spread",
    "controls_power",
    "discordance",
    "dose_against_controls",
    "dose_response",
    "e_value",
    "equivalence",
    "equivalence_power",
    "fragility",
    "futility",
    "max_t",
    "mcnemar",
    "mcnemar_power",
    "minimum_detectable_effect",
    "missing_bounds",
    "missing_table",
    "missingness_trend",
    "mixed_model",
    "non_inferiority",
    "order_interval",
    "paired_counts",
    "paired_difference",
    "permutation_test",
    "sample_size",
    "sign_test",
    "signed_power",
    "stamped",
    "stratified_difference",
    "stratum_homogeneity",
    "trend_power",
    "unconditional_test",
    "wilson",
]
