"""The second worked example: a table of 1,319 problems, where half of all counts are ambiguous."""

from __future__ import annotations

from collections import Counter

import pytest

from analysis.claims import Checked, check_file, draft_claims, load_claims, scan_document
from analysis.claims.scan import covers_of, unknown_places
from analysis.claims.show import as_page
from tests.paths import ROOT

EXAMPLE = ROOT / "examples" / "gsm8k_table"
FILE = EXAMPLE / "claims.toml"
TEXT = (EXAMPLE / "table.tex").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def checked() -> dict[str, Checked]:
    return {c.id: c for c in check_file(FILE)}


def test_no_figure_of_the_table_is_held_against_it(checked):
    counts = Counter(c.verdict for c in checked.values())
    assert counts == {"PASS": 14, "UNDETERMINED": 3, "FAIL": 1}


@pytest.mark.parametrize(
    ("name", "verdict", "says"),
    [
        ("small_change[random]", "PASS", "-0.5 pp"),  # 44.6 - 45.0 is -0.4 as printed
        ("small_significant", "UNDETERMINED", "at most 123 were gained (of 29..622)"),
        ("large_net", "UNDETERMINED", "true for 1 of the 2 counts that print so"),
        ("large_p", "PASS", "2.68 × 10^-9 to p = 4.92 × 10^-9"),
        ("large_gains_more", "PASS", "48 > 29 is true"),
        ("never_hurts", "FAIL", "found: 9"),
    ],
)
def test_what_became_of_the_sentences(checked, name, verdict, says):
    assert (checked[name].verdict, says in checked[name].reason) == (verdict, True)


def test_every_number_is_covered_where_it_stands():
    covers = covers_of(load_claims(FILE))
    assert unknown_places(TEXT, covers, latex=True) == []
    assert scan_document(TEXT, covers, latex=True) == []
    # The same figure elsewhere is not.
    end = r"\end{document}"
    moved = TEXT.replace(end, rf"\section{{More}} On 57 of them. {end}")
    assert [u.number for u in scan_document(moved, covers, latex=True)] == ["57"]


def test_a_draft_finds_each_part_its_own_baseline(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(draft_claims(TEXT, title="t", n=1319, latex=True))
    checked = check_file(path)
    assert {c.verdict for c in checked} == {"PASS"}
    assert sum(".change." in c.id for c in checked) == 4


def test_the_page_is_what_the_check_says(checked):
    command = "steerstat claims check examples/gsm8k_table/claims.toml --explain"
    page = as_page(list(checked.values()), load_claims(FILE).document, command=command)
    assert (EXAMPLE / "README.md").read_text(encoding="utf-8") == page
