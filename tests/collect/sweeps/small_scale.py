"""How large the reproduction of the tests is."""

from typing import Any

SMALL: dict[str, Any] = {
    "pool": 240,
    "primary": 40,
    "train": 20,
    "balanced": 20,
    "controls": 4,
    "report_controls": 2,
    "alphas": (-3.0, 0.0, 3.0),
}
