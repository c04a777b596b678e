from .catalogue import figures as figures
from .catalogue import places as places
from .figure import Figure as Figure
from .figure import Place as Place
from .files import stale_figures as stale_figures
from .files import write_figures as write_figures
from .queries import every_row as every_row
from .queries import named_query as named_query
from .queries import shown as shown

__all__ = [
    "Figure",
    "Place",
    "every_row",
    "figures",
    "named_query",
    "places",
    "shown",
    "stale_figures",
    "write_figures",
]
