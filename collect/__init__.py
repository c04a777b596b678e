"""Everything that touches a model; the only package that imports torch or transformers.

Names are imported when they are used, so that `import collect` alone stays cheap.
"""

from __future__ import annotations

import os

import lazy_loader as lazy

# Threads that wait for one another by spinning lose minutes where another process wants a core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
