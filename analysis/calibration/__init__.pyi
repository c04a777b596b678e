from .render import marks_table as marks_table
from .render import rate_tables as rate_tables
from .rows import QUICK as QUICK
from .rows import Effort as Effort
from .rows import Row as Row
from .sections import SECTIONS as SECTIONS
from .sections import calibrate as calibrate

__all__ = [
    "QUICK",
    "SECTIONS",
    "Effort",
    "Row",
    "calibrate",
    "marks_table",
    "rate_tables",
]
