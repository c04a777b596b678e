"""What the case study quotes is what the audit of the published files prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis.audit import audit
from analysis.audit.files import imported
from tests.paths import DOCS


def quotes() -> list[tuple[str, str]]:
    """Check and text of every quotation of the page."""
    page = (DOCS / "case-study.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?:^> .*\n)+", page, re.MULTILINE)
    joined = [" ".join(line[2:] for line in block.splitlines()) for block in blocks]
    return [match.groups() for one in joined if (match := re.match(r"`(\S+)` (.+)", one))]  # type: ignore[misc]


def test_the_published_study_is_found_to_be_as_the_page_says(published_data: Path) -> None:
    document = published_data.parents[1] / "reference" / "report.md"
    if not document.is_file():
        pytest.skip("the study's report is not beside the repository (../shared/reference)")
    with imported(sorted(published_data.glob("*.json"))) as (root, lost):
        found = {one.check_id: one for one in audit(root, document=document)}
    assert len(lost) == 144
    assert len(quotes()) == 11
    for check_id, text in quotes():
        assert text in str(found[check_id].consequence), check_id
    assert {name for name, one in found.items() if one.decides} == {
        "data/train_test", "labels/protocol",
    }  # fmt: skip
    for name in ("site", "unreliable", "delivered", "trained_on_test"):
        assert found[f"direction/{name}"].status == "could_not_run"
