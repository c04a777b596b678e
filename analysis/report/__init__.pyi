from .verdicts import Verdict as Verdict
from .verdicts import store_verdicts as store_verdicts
from .write import write_report as write_report

__all__ = [
    "Verdict",
    "store_verdicts",
    "write_report",
]
