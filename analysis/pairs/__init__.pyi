from .comparison import Bounds as Bounds
from .comparison import Comparison as Comparison
from .frames import compare as compare
from .sources import compare_conditions as compare_conditions
from .sources import compare_files as compare_files

__all__ = ["Bounds", "Comparison", "compare", "compare_conditions", "compare_files"]
