from .auditing import audit as audit
from .check import Check as Check
from .finding import Finding as Finding
from .kept import accept as accept
from .kept import keep as keep
from .kept import stored as stored
from .registry import CHECKS as CHECKS
from .selftest.running import Tried as Tried
from .selftest.running import self_test as self_test

__all__ = [
    "CHECKS",
    "Check",
    "Finding",
    "Tried",
    "accept",
    "audit",
    "keep",
    "self_test",
    "stored",
]
