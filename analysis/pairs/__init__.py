"""One pair of conditions, judged: from data frames, from files of others, or from a store.

from analysis.pairs import compare, compare_conditions, compare_files
"""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
