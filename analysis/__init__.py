"""Statistics for paired outcomes and few controls, charts, claims and reports.

The public names are imported when first used, so that ``import analysis`` costs nothing::

    from analysis import mcnemar, paired_difference
    mcnemar(4, 2).p
"""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
