"""Everything that touches a model; the only package that imports torch or transformers.

Names are imported when they are used, so that `import collect` alone stays cheap.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

# Threads that wait for one another by spinning lose minutes where another process wants a core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_HOMES = {
    "Block": "collect.engine.engine",
    "Model": "collect.models.model",
    "Outcome": "collect.engine.answers",
    "PROTOCOLS": "collect.engine.protocol",
    "Protocol": "collect.engine.protocol",
    "Steering": "collect.engine.interventions",
    "activations": "collect.engine.reading",
    "answer": "collect.engine.answers",
    "load_model": "collect.models.checkpoints",
    "resolve_protocol": "collect.engine.protocol",
    "run": "collect.engine.engine",
    "run_gates": "collect.sweeps.gates",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'collect' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
