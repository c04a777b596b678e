from .engine.answers import Outcome as Outcome
from .engine.answers import answer as answer
from .engine.engine import Block as Block
from .engine.engine import run as run
from .engine.interventions import Steering as Steering
from .engine.protocol import (
    PROTOCOLS as PROTOCOLS,
)
from .engine.protocol import (
    Protocol as Protocol,
)
from .engine.protocol import (
    resolve_protocol as resolve_protocol,
)
from .engine.reading import activations as activations
from .models.checkpoints import load_model as load_model
from .models.model import Model as Model
from .sweeps.gates import run_gates as run_gates

__all__ = [
    "PROTOCOLS",
    "Block",
    "Model",
    "Outcome",
    "Protocol",
    "Steering",
    "activations",
    "answer",
    "load_model",
    "resolve_protocol",
    "run",
    "run_gates",
]
