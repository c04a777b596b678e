"""Tables of a store, as DataFrames with all arithmetic done: what charts, reports and tests read.

Each is a function of the store's path (`calibration_curves`: of simulated rows)::

    from analysis import tables
    tables.effects("runs/demo")

Effects and accuracies are fractions; they become percentage points only where they are printed.
"""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
