from .numbers import MINUS as MINUS
from .numbers import MISSING as MISSING
from .numbers import aligned as aligned
from .numbers import alpha as alpha
from .numbers import alphas as alphas
from .numbers import compact as compact
from .numbers import count as count
from .numbers import counted as counted
from .numbers import interval as interval
from .numbers import level as level
from .numbers import limits as limits
from .numbers import moved as moved
from .numbers import nats as nats
from .numbers import p_from_controls as p_from_controls
from .numbers import p_is as p_is
from .numbers import p_value as p_value
from .numbers import percent as percent
from .numbers import points as points
from .numbers import precise as precise
from .numbers import precise_interval as precise_interval
from .numbers import precise_points as precise_points
from .numbers import precise_range as precise_range
from .numbers import signed as signed
from .sentences import adjusted_sentence as adjusted_sentence
from .sentences import controls_sentence as controls_sentence
from .sentences import detectable_sentence as detectable_sentence
from .sentences import difference_sentence as difference_sentence
from .sentences import discordance_sentence as discordance_sentence
from .sentences import equivalence_sentence as equivalence_sentence
from .sentences import fragility_sentence as fragility_sentence
from .sentences import logprob_sentence as logprob_sentence
from .sentences import look_sentence as look_sentence
from .sentences import mcnemar_sentence as mcnemar_sentence
from .sentences import missing_sentence as missing_sentence
from .sentences import missingness_sentence as missingness_sentence
from .sentences import over_problems_sentence as over_problems_sentence
from .sentences import power_sentence as power_sentence
from .sentences import push_sentence as push_sentence
from .sentences import sample_size_sentence as sample_size_sentence
from .series import WAY as WAY
from .series import WHERE as WHERE
from .series import field_words as field_words
from .series import series_labels as series_labels
from .series import varying as varying

__all__ = [
    "MINUS",
    "MISSING",
    "WAY",
    "WHERE",
    "adjusted_sentence",
    "aligned",
    "alpha",
    "alphas",
    "compact",
    "controls_sentence",
    "count",
    "counted",
    "detectable_sentence",
    "difference_sentence",
    "discordance_sentence",
    "equivalence_sentence",
    "field_words",
    "fragility_sentence",
    "interval",
    "level",
    "limits",
    "logprob_sentence",
    "look_sentence",
    "mcnemar_sentence",
    "missing_sentence",
    "missingness_sentence",
    "moved",
    "nats",
    "over_problems_sentence",
    "p_from_controls",
    "p_is",
    "p_value",
    "percent",
    "points",
    "power_sentence",
    "precise",
    "precise_interval",
    "precise_points",
    "precise_range",
    "push_sentence",
    "sample_size_sentence",
    "series_labels",
    "signed",
    "varying",
]
