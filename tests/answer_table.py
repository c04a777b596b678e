"""The table of texts and the answers that they are: `docs/answers.jsonl`."""

from __future__ import annotations

import json
from typing import Any

from tests.paths import DOCS

ANSWERS: list[dict[str, Any]] = [
    json.loads(line) for line in (DOCS / "answers.jsonl").read_text("utf-8").splitlines()
]
"""Rows of rule, text, value (None where there is none) and gold (whether the text states it)."""
