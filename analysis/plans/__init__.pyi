from .freezing import (
    CONFIRMATORY as CONFIRMATORY,
)
from .freezing import (
    EXPLORATORY as EXPLORATORY,
)
from .freezing import (
    FrozenPlan as FrozenPlan,
)
from .freezing import (
    Stamps as Stamps,
)
from .freezing import (
    freeze as freeze,
)
from .freezing import (
    history as history,
)
from .freezing import (
    stamps as stamps,
)
from .power import PlanReport as PlanReport
from .power import check_plan as check_plan
from .schema import Plan as Plan
from .schema import load_plan as load_plan
from .schema import parse_plan as parse_plan
from .stamping import stamp_words as stamp_words
from .stamping import stamped as stamped
from .stopping import (
    decide as decide,
)
from .stopping import (
    problem_order as problem_order,
)
from .stopping import (
    record_stops as record_stops,
)
from .stopping import (
    walk as walk,
)

__all__ = [
    "CONFIRMATORY",
    "EXPLORATORY",
    "FrozenPlan",
    "Plan",
    "PlanReport",
    "Stamps",
    "check_plan",
    "decide",
    "freeze",
    "history",
    "load_plan",
    "parse_plan",
    "problem_order",
    "record_stops",
    "stamp_words",
    "stamped",
    "stamps",
    "walk",
]
