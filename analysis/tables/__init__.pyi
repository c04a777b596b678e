from .audited import audited as audited
from .beyond import beyond_controls as beyond_controls
from .calibration import calibration_curves as calibration_curves
from .comparisons import control_points as control_points
from .comparisons import controls as controls
from .curves import (
    accuracy_curves as accuracy_curves,
)
from .curves import (
    control_band as control_band,
)
from .curves import (
    controls_strip as controls_strip,
)
from .curves import (
    forest as forest,
)
from .curves import (
    transitions as transitions,
)
from .curves import (
    transitions_long as transitions_long,
)
from .difficulty import homogeneity as homogeneity
from .difficulty import strata as strata
from .directions import (
    direction_components as direction_components,
)
from .directions import (
    direction_cosines as direction_cosines,
)
from .directions import (
    direction_norms as direction_norms,
)
from .directions import (
    latent_growth as latent_growth,
)
from .directions import (
    norms as norms,
)
from .equal_push import equal_push as equal_push
from .equal_push import push_curves as push_curves
from .left_out import left_out as left_out
from .logprob import gold_logprobs as gold_logprobs
from .logprob import logprob_controls as logprob_controls
from .logprob import logprob_doses as logprob_doses
from .missingness import missingness as missingness
from .paired import accuracy as accuracy
from .paired import effects as effects
from .problems import (
    doses as doses,
)
from .problems import (
    power_curves as power_curves,
)
from .problems import (
    problem_blocks as problem_blocks,
)
from .problems import (
    problem_grid as problem_grid,
)
from .problems import (
    problem_strata as problem_strata,
)
from .problems import (
    trends as trends,
)
from .readings import Readings as Readings
from .scores import scores as scores
from .sections import sections as sections
from .stops import covered_in_part as covered_in_part
from .stops import planned_ends as planned_ends
from .stops import stop_words as stop_words

__all__ = [
    "Readings",
    "accuracy",
    "accuracy_curves",
    "audited",
    "beyond_controls",
    "calibration_curves",
    "control_band",
    "control_points",
    "controls",
    "controls_strip",
    "covered_in_part",
    "direction_components",
    "direction_cosines",
    "direction_norms",
    "doses",
    "effects",
    "equal_push",
    "forest",
    "gold_logprobs",
    "homogeneity",
    "latent_growth",
    "logprob_controls",
    "logprob_doses",
    "missingness",
    "norms",
    "planned_ends",
    "power_curves",
    "problem_blocks",
    "problem_grid",
    "problem_strata",
    "push_curves",
    "scores",
    "sections",
    "stop_words",
    "strata",
    "transitions",
    "transitions_long",
    "trends",
]
