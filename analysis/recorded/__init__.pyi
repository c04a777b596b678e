from .analyses import Analysis as Analysis
from .analyses import NothingToTest as NothingToTest
from .analyses import analyze as analyze
from .analyses import left_out_lines as left_out_lines
from .analyses import refused_lines as refused_lines
from .analyses import results_table as results_table
from .recording import as_json as as_json
from .version import code_version as code_version

__all__ = [
    "Analysis",
    "NothingToTest",
    "analyze",
    "as_json",
    "code_version",
    "left_out_lines",
    "refused_lines",
    "results_table",
]
