from .curves import (
    accuracy_chart as accuracy_chart,
)
from .curves import (
    dose_chart as dose_chart,
)
from .curves import (
    push_chart as push_chart,
)
from .curves import (
    strata_chart as strata_chart,
)
from .directions import (
    cosine_chart as cosine_chart,
)
from .directions import (
    direction_heatmap as direction_heatmap,
)
from .directions import (
    direction_norms_chart as direction_norms_chart,
)
from .directions import (
    latent_norms_chart as latent_norms_chart,
)
from .forest import forest_chart as forest_chart
from .panels import lettered as lettered
from .planning import calibration_chart as calibration_chart
from .planning import power_chart as power_chart
from .strip import controls_chart as controls_chart
from .text import text_chart as text_chart
from .transitions import problems_chart as problems_chart
from .transitions import transitions_chart as transitions_chart

__all__ = [
    "accuracy_chart",
    "calibration_chart",
    "controls_chart",
    "cosine_chart",
    "direction_heatmap",
    "direction_norms_chart",
    "dose_chart",
    "forest_chart",
    "latent_norms_chart",
    "lettered",
    "power_chart",
    "problems_chart",
    "push_chart",
    "strata_chart",
    "text_chart",
    "transitions_chart",
]
