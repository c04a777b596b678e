"""Where the repository's files are that tests read, and the published data beside it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
REFERENCE = ROOT / "tests" / "reference"
PUBLISHED = ROOT.parent / "shared" / "data" / "origin"
