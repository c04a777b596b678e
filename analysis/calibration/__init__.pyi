from .render import marks_table as marks_table
from .render import rate_tables as rate_tables
from .rows import QUICK as QUICK
from .rows import Effort as Effort
from .rows import Row as Row
from .sections import SECTIONS as SECTIONS
from .sections import calibrate as calibrate
from .verdict_power import VerdictPower as VerdictPower
from .verdict_power import verdict_power as verdict_power

__all__ = [
    "QUICK",
    "SECTIONS",
    "Effort",
    "Row",
    "VerdictPower",
    "calibrate",
    "marks_table",
    "rate_tables",
    "verdict_power",
]
