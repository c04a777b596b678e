"""The worked example: what a published report claims, and what became of it."""

from __future__ import annotations

import re
import tomllib
from collections import Counter

import pytest

from analysis.claims import Checked, check_file, load_claims, scan_document
from analysis.claims.judge import VERDICTS
from analysis.claims.scan import covers_of, unknown_places
from analysis.claims.show import as_page
from tests.paths import ROOT

EXAMPLE = ROOT / "examples" / "report_2025_10_21"
FILE = EXAMPLE / "claims.toml"


@pytest.fixture(scope="module")
def checked() -> dict[str, Checked]:
    return {c.id: c for c in check_file(FILE)}


def test_there_are_enough_claims_of_every_verdict(checked):
    counts = Counter(c.verdict for c in checked.values())
    assert len(checked) >= 60
    assert set(counts) == set(VERDICTS) - {"DEVIATED"}


@pytest.mark.parametrize(
    ("name", "verdict", "says"),
    [
        ("pairs", "VALUE-DRIFT", "prints 466"),
        ("balanced", "VALUE-DRIFT", "prints 218"),
        ("train_each", "PASS", "172"),
        ("magnitude", "PASS", "58.65"),
        ("selected_right", "VALUE-DRIFT", "prints 28"),
        ("baseline_below_expected", "PASS", "0.001606 < 0.05"),
        ("accuracy[-3.0]", "PASS", "19.8%"),
        ("change[-3.0]", "PASS", "-12.8 pts"),
        ("category[-0.5]", "PASS", "the same"),
        ("monotonic", "PASS", "decreasing"),
        ("degrades_after_peak", "PASS", "26 < 30 is true"),
        ("target_met", "PASS", "-12.8 pts <= -12.0 pts is true"),
        ("amplification_not_significant", "PASS", "0.4531 < 0.05 is false"),
        ("suppressed_right_other", "VALUE-DRIFT", "prints 17"),
        ("suppressed_net", "VALUE-DRIFT", "prints -11"),
        ("medium_effect", "UNDETERMINED", "if at most 12 were gained (of 0..17)"),
        ("control_change", "PASS", "-6.7 pts"),
        ("difference", "PASS", "6.0 pts"),
        ("difference_of_printed", "PASS", "6.00 pts to 6.20 pts"),
        ("nearly_twice", "PASS", "2x"),
        ("no_control_as_bad", "FAIL", "found: 1"),
        ("meaningful", "UNSUPPORTED", "0.3557 < 0.05 is false"),
        ("cohens_d", "PASS", "ddof = 0: recomputed ≈ 1.3"),
        ("large_effect", "PASS", "1.143 >= 0.8"),
        ("controls_t_test", "DECISION-DRIFT", "p = 0.06293"),
        ("steering_layer", "FAIL", "final hidden state"),
        ("narrow_range", "UNSUPPORTED", "0.4531 < 0.05 is false"),
        ("capability_ceiling", "DECISION-DRIFT", "28 >= 43 is false"),
        ("most_distinguishing", "UNSUPPORTED", "does not print how well"),
        ("same_magnitude", "PASS", "58.65"),
        ("training_distribution", "PASS", "0.5 = 0.5 is true"),
    ],
)
def test_what_became_of_the_claims_that_matter(checked, name, verdict, says):
    assert checked[name].verdict == verdict
    assert says in checked[name].reason


def test_suppression_is_undetermined_by_all_three_methods(checked):
    found = checked["suppression_significant"]
    assert found.verdict == "UNDETERMINED"
    for method, most in (("sign test", 7), ("mid-p", 9), ("Tango", 10)):
        assert re.search(rf"{method}[^;]*at most {most} were gained \(of 0..17\)", found.reason)


def test_no_percentage_of_the_report_is_impossible(checked):
    accuracies = [c for name, c in checked.items() if name.startswith("accuracy[")]
    assert len(accuracies) == 17
    assert {c.verdict for c in accuracies} == {"PASS"}


def test_the_loud_words_are_claims(checked):
    words = " ".join(f"{c.text} {c.printed}" for c in checked.values())
    for word in (
        "significant",
        "meaningful",
        "monotonic",
        "nearly 2x",
        "exceeds target",
        "ceiling",
    ):
        assert word in words


def test_the_page_is_what_the_check_says(checked):
    command = "steerstat claims check examples/report_2025_10_21/claims.toml --explain"
    page = as_page(list(checked.values()), load_claims(FILE).document, command=command)
    assert (EXAMPLE / "README.md").read_text(encoding="utf-8") == page


def test_each_verdict_is_explained_in_two_sentences(checked):
    for claim in checked.values():
        assert claim.reason, claim.id
        assert claim.note.endswith("."), claim.id
        assert not re.search(r"[.!?]\s+[A-Z]", claim.note), claim.id


def test_no_number_is_typed_twice():
    """Printed figures stand under totals, facts and tables; claims refer to them by name."""
    raw = tomllib.loads(FILE.read_text(encoding="utf-8"))
    assert not set(raw["totals"]) & set(raw["facts"])
    for claim in raw["claim"]:
        assert not re.search(r"\d", _without_names(str(claim.get("printed", "")))), claim["id"]
        for text in (claim["text"], claim.get("note", "")):
            # 2x is a word of the report, and 0 and 1 name options (ddof).
            bare = re.sub(r"\b2x|ddof = 0|100 \*", "", _without_names(text))
            assert not re.search(r"(?<![A-Z])(?<!GPT-)\d", bare), claim["id"]


def test_expressions_hold_no_figures_of_the_report():
    raw = tomllib.loads(FILE.read_text(encoding="utf-8"))
    figures = {*map(str, raw["totals"].values()), *map(str, raw["facts"].values())}
    typed = {m for text in figures for m in re.findall(r"\d+\.\d+|\d{2,}", text)}
    for claim in raw["claim"]:
        expressions = [claim.get("expr", ""), *claim.get("readings", {}).values()]
        for text in expressions:
            assert not (set(re.findall(r"\d+\.\d+|\d{2,}", text)) & typed), claim["id"]


def test_every_figure_is_used(checked):
    from analysis.claims.scan import used_names

    raw = tomllib.loads(FILE.read_text(encoding="utf-8"))
    text = " ".join(str(c.get("printed", "")) for c in raw["claim"])
    printed = {name for name in raw["totals"] if re.search(rf"\b{name}\b", text)}
    assert set(raw["totals"]) <= used_names(load_claims(FILE)) | printed


def test_every_number_of_the_report_is_covered_where_it_stands():
    report = ROOT.parent / "shared" / "reference" / "report.md"
    if not report.is_file():
        pytest.skip("the report is not beside the repository (../shared/reference/report.md)")
    text, covers = report.read_text(encoding="utf-8"), covers_of(load_claims(FILE))
    assert unknown_places(text, covers) == []
    left = {u.number for u in scan_document(text, covers)}
    # Proposals for later work: other layers and tokens, finer alphas.
    later = {"3", "4", "6", "9", "10", "0.1", "0.2", "0.9"}
    # The dose of the baseline, the target without its decimals, and shares without their unit.
    assert left - later <= {"0", "0.0", "-12", "+12", "+12 point", "80", "20"}


def test_one_test_is_counted_once():
    """What rests on the comparison with the controls is one decision with its eight places."""
    claims = load_claims(FILE).claim
    (resting,) = [c for c in claims if "below_controls.p_rank < level" in c.readings.values()]
    assert len(resting.where.split(";")) == 8


def _without_names(text: str) -> str:
    return re.sub(r"\{[^}]*\}", "", text)
