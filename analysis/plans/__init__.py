"""Plans: what will be tested, fixed before the first outcome is seen.

    from analysis.plans import load_plan, check_plan, freeze, stamps, decide

A frozen plan makes the results that it names *confirmatory*; everything else is *exploratory*.
"""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
