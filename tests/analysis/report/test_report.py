"""The report: its verdicts on planted tables, and what every version of it must hold."""

from __future__ import annotations

import re
import shutil
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis.cli.report import app
from analysis.report import write_report
from analysis.report.html import inline, isolated
from analysis.report.verdicts import INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED, verdicts
from analysis.tables.comparisons import EFFECT, SIGNED
from analysis.tables.own_controls import PLACE
from sql.errors import UserError
from tests.analysis.tables.test_tables_pairs import CURVE


def effect(
    alpha: float, estimate: float, low: float, high: float, p: float, **more: Any
) -> dict[str, Any]:
    return CURVE | {
        "alpha": alpha, "estimate": estimate, "low": low, "high": high, "p_adjusted": p,
        "gained": 1, "lost": 2, "n": 100,
    } | more  # fmt: skip


def control(
    alpha: float, difference: float, p: float, *, quantity: str = EFFECT, **more: Any
) -> dict[str, Any]:
    place = {name: CURVE[name] for name in PLACE}
    return place | {
        "candidate": "d", "quantity": quantity, "alpha": alpha, "difference": difference,
        "p_crawford_howell": p, "p_rank": p, "rank_status": "ok", "rank_floor": 0.02, "k": 99,
        "control_kind": "random", "d": -2.0, "estimate": difference, "controls_mean": 0.0, "n": 100,
        "norm_ratio": 1.0,
    } | more  # fmt: skip


def verdict(effects: list[dict[str, Any]], controls: list[dict[str, Any]]):
    columns = list(control(1, 1, 1))
    (found,) = verdicts(pd.DataFrame(effects), pd.DataFrame(controls, columns=columns))
    return found


FALLS = effect(-3.0, -0.3, -0.4, -0.2, 0.001)


def test_a_fall_beyond_the_controls_with_a_sign_is_supported() -> None:
    found = verdict(
        [FALLS], [control(-3.0, -0.2, 0.001), control(3.0, 0.2, 0.001, quantity=SIGNED)]
    )
    assert (found.claim, found.verdict) == ("suppression", SUPPORTED)
    assert "the sign matters" in found.reason


def test_harm_by_either_sign_is_not_enough() -> None:
    signed = control(3.0, 0.01, 0.6, quantity=SIGNED)
    found = verdict([FALLS], [control(-3.0, -0.2, 0.001), signed])
    assert found.verdict == INCONCLUSIVE
    assert "not shown that the sign of the push matters" in found.reason


def test_no_more_than_random_directions_is_not_supported() -> None:
    assert verdict([FALLS], [control(-3.0, 0.05, 0.3)]).verdict == NOT_SUPPORTED


def test_a_little_more_than_random_directions_is_inconclusive() -> None:
    found = verdict([FALLS], [control(-3.0, -0.05, 0.3)])
    assert found.verdict == INCONCLUSIVE
    assert "not shown to be more" in found.reason


def test_without_controls_nothing_is_supported() -> None:
    found = verdict([FALLS], [])
    assert found.verdict == INCONCLUSIVE
    assert "No control directions" in found.reason


def test_too_few_controls_are_said() -> None:
    few: dict[str, Any] = {
        "rank_status": "too_few_controls",
        "p_rank": 0.33,
        "rank_floor": 0.33,
        "k": 5,
    }
    found = verdict([FALLS], [control(-3.0, -0.2, 0.001, **few)])
    assert found.verdict == SUPPORTED
    assert "too few controls" in found.reason


@pytest.mark.parametrize(
    ("row", "expected", "said"),
    [
        (effect(1.0, 0.01, -0.02, 0.04, 0.5), NOT_SUPPORTED, "excludes a gain of 5 points"),
        (effect(1.0, 0.02, -0.02, 0.06, 0.5), INCONCLUSIVE, "up to 6.0 points is not excluded"),
        (effect(1.0, -0.1, -0.2, -0.05, 0.001), NOT_SUPPORTED, "excludes any gain"),
        (effect(-1.0, 0.1, 0.05, 0.2, 0.001), NOT_SUPPORTED, "excludes any loss"),
    ],
)
def test_without_a_change_the_interval_decides(row, expected, said) -> None:
    found = verdict([row], [])
    assert found.verdict == expected
    assert said in found.reason


SIGN_MATTERS = control(3.0, 0.2, 0.001, quantity=SIGNED)
# What alone keeps a claim from being supported: all else is as in the supported one.
SHORT_OF_IT = {
    "the rank test": (FALLS, [control(-3.0, -0.2, 0.001, p_rank=0.06), SIGN_MATTERS], INCONCLUSIVE),
    "Crawford–Howell": (
        FALLS,
        [control(-3.0, -0.2, 0.06, p_rank=0.02), SIGN_MATTERS],
        INCONCLUSIVE,
    ),
    "the side of the controls' mean": (
        FALLS,
        [control(-3.0, 0.2, 0.001), SIGN_MATTERS],
        NOT_SUPPORTED,
    ),
    "the rank test of the signed effect": (
        FALLS,
        [
            control(-3.0, -0.2, 0.001),
            control(3.0, 0.2, 0.001, quantity=SIGNED, p_rank=0.06),
        ],
        INCONCLUSIVE,
    ),
    "Crawford–Howell of the signed effect": (
        FALLS,
        [
            control(-3.0, -0.2, 0.001),
            control(3.0, 0.2, 0.06, quantity=SIGNED, p_rank=0.02),
        ],
        INCONCLUSIVE,
    ),
    "the sense of the signed effect": (
        FALLS,
        [control(-3.0, -0.2, 0.001), control(3.0, -0.2, 0.001, quantity=SIGNED)],
        INCONCLUSIVE,
    ),
    "the corrected p against the baseline": (
        FALLS | {"p_adjusted": 0.06},
        [control(-3.0, -0.2, 0.001), SIGN_MATTERS],
        INCONCLUSIVE,
    ),
    "the sense of the change": (
        effect(-3.0, 0.3, 0.2, 0.4, 0.001),
        [control(-3.0, -0.2, 0.001), SIGN_MATTERS],
        NOT_SUPPORTED,
    ),
    "a test against the controls": (
        FALLS,
        [control(-3.0, -0.2, float("nan"), p_rank=0.02), SIGN_MATTERS],
        INCONCLUSIVE,
    ),
    "controls at the dose": (FALLS, [control(-2.0, -0.2, 0.001), SIGN_MATTERS], INCONCLUSIVE),
    "a set drawn at random": (
        FALLS | {"selected_on_outcome": True},
        [control(-3.0, -0.2, 0.001), SIGN_MATTERS],
        INCONCLUSIVE,
    ),
}


@pytest.mark.parametrize("missing", SHORT_OF_IT)
def test_each_condition_alone_keeps_a_claim_from_being_supported(missing) -> None:
    row, controls, expected = SHORT_OF_IT[missing]
    assert verdict([FALLS], [control(-3.0, -0.2, 0.001), SIGN_MATTERS]).verdict == SUPPORTED
    assert verdict([row], controls).verdict == expected


def test_tests_exactly_at_the_level_count_as_rejecting() -> None:
    at_level = [control(-3.0, -0.2, 0.05), control(3.0, 0.2, 0.05, quantity=SIGNED)]
    assert verdict([FALLS | {"p_adjusted": 0.05}], at_level).verdict == SUPPORTED


def test_a_standing_signed_effect_does_not_make_up_for_the_controls() -> None:
    assert verdict([FALLS], [control(-3.0, -0.05, 0.3), SIGN_MATTERS]).verdict == INCONCLUSIVE
    assert verdict([FALLS], [control(-3.0, 0.05, 0.3), SIGN_MATTERS]).verdict == NOT_SUPPORTED


def test_the_largest_dose_that_moved_accuracy_decides() -> None:
    small, large = FALLS | {"alpha": -1.0}, FALLS
    differing = [control(-1.0, -0.2, 0.001), control(-3.0, 0.05, 0.3)]
    assert verdict([small, large], differing).verdict == NOT_SUPPORTED
    too_few = [control(-1.0, -0.2, 0.001), control(-3.0, 0.05, float("nan"))]
    assert verdict([small, large], too_few).verdict == SUPPORTED
    unmoved = large | {"p_adjusted": 0.3}
    assert verdict([small, unmoved], differing).verdict == SUPPORTED


def test_a_change_must_be_excluded_at_every_dose_of_the_sign() -> None:
    inside, wide = effect(1.0, 0.01, -0.02, 0.04, 0.5), effect(2.0, 0.01, -0.04, 0.06, 0.5)
    other_sign = effect(-1.0, 0.01, -0.04, 0.09, 0.5)
    both = verdicts(
        pd.DataFrame([inside, other_sign]), pd.DataFrame(columns=list(control(1, 1, 1)))
    )
    assert {v.claim: v.verdict for v in both} == {
        "amplification": NOT_SUPPORTED,
        "suppression": NOT_SUPPORTED,
    }
    assert verdict([inside], []).verdict == NOT_SUPPORTED
    assert verdict([inside, wide], []).verdict == INCONCLUSIVE
    assert verdict([effect(1.0, 0.0, -0.02, 0.05, 0.5)], []).verdict == INCONCLUSIVE


def test_a_set_selected_on_the_outcome_supports_nothing() -> None:
    found = verdict(
        [FALLS | {"selected_on_outcome": True}],
        [control(-3.0, -0.2, 0.001), control(3.0, 0.2, 0.001, quantity=SIGNED)],
    )
    assert found.verdict == INCONCLUSIVE
    assert found.reason.startswith("The test set was selected on the baseline outcome")


def test_the_matched_direction_is_set_beside_the_raw_one() -> None:
    twin = FALLS | {"direction": "d_matched", "kind": "k_matched"}
    raw, matched = verdicts(
        pd.DataFrame([FALLS, twin]),
        pd.DataFrame(
            [
                control(-3.0, -0.2, 0.001),
                control(-3.0, -0.01, 0.7) | {"candidate": "d_matched"},
            ]
        ),
    )
    assert "may be difficulty" in raw.reason
    assert "counterpart" not in matched.reason


class Page(HTMLParser):
    """Ids, link targets, and everything a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        if tag == "a":
            self.links.append(given.get("href") or "")
        self.fetched += [given["src"]] if given.get("src") else []
        self.fetched += [given["href"]] if tag == "link" else []

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def page(whole_report):
    parser = Page()
    parser.feed((whole_report / "report.html").read_text(encoding="utf-8"))
    return parser


def test_the_page_needs_nothing_from_outside(whole_report, page) -> None:
    text = (whole_report / "report.html").read_text(encoding="utf-8")
    assert page.fetched == []
    assert not re.search(r"url\((?!data:|#)", text)
    assert "default-src 'none'" in unescape(text)
    assert text.count("<script") == 2
    assert (whole_report / "report.html").stat().st_size < 5_000_000


def test_ids_are_unique_and_links_lead_somewhere(page) -> None:
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link.removeprefix("#") in page.ids


def test_the_page_says_what_it_must(page) -> None:
    verdicts_at, results_at = page.text.index("Verdicts"), page.text.rindex("Results: primary")
    assert verdicts_at < results_at
    for words in (
        "selected_on_outcome.",
        "regression to the mean",
        "difficulty-matched",
        "Digest of all outcomes",
        "Gates of run",
        "dead_positions",
        "No plan was frozen: every result is exploratory.",
        "Size of α × direction relative to the latents",
        "steerstat sql",
    ):
        assert words in page.text


def test_markdown_holds_the_same_tables_and_its_figures_exist(whole_report) -> None:
    text = (whole_report / "report.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert len(pictures) > 10
    assert all((whole_report / name).exists() for name in pictures)
    for title in ("**Accuracy and paired difference at every α**", "**Do the strata differ?**"):
        assert title in text
    assert "> **selected_on_outcome.**" in text


def test_the_command_writes_what_is_asked(tmp_path, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr("analysis.report.write_report", lambda *given: asked.append(given) or [])  # type: ignore[func-returns-value]
    options = [str(tmp_path), "--format", "md, html", "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(app, options).exit_code == 0
    assert asked == [(tmp_path, tmp_path / "out", ["md", "html"])]


def test_bad_requests_are_one_line(demo_like, tmp_path) -> None:
    with pytest.raises(UserError, match="unknown format 'docx'"):
        write_report(demo_like, tmp_path, ["docx"])  # type: ignore[list-item]
    with pytest.raises(UserError, match="no format given: any of md, html, tex"):
        write_report(demo_like, tmp_path, [])
    shutil.copy(__file__, tmp_path / "file")
    with pytest.raises(UserError, match="cannot write the report into"):
        write_report(demo_like, tmp_path / "file")


def test_text_is_escaped_before_it_is_marked_up() -> None:
    assert str(inline("**a** < `b`")) == "<strong>a</strong> &lt; <code>b</code>"


def test_drawings_keep_their_ids_apart() -> None:
    svg = '<svg width="1mm" height="2pt" viewBox="0 0 1 2"><clipPath id="clip0"/><g clip-path="url(#clip0)"/></svg>'  # noqa: E501
    own = isolated(svg, "f")
    assert 'id="f-clip0"' in own
    assert "url(#f-clip0)" in own
    assert "1mm" not in own
