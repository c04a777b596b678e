"""The report: its verdicts on planted tables, and what every version of it must hold."""

from __future__ import annotations

import re
import shutil
from html import unescape
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from analysis.cli.report import app
from analysis.report import write_report
from analysis.report.html import inline, isolated
from sql.errors import UserError
from tests.paths import ROOT

# Saying that something is not there, where no equivalence test was made.
ABSENCE = re.compile(
    r"(accuracy|steering|direction|push)\w* (does nothing|has no effect|is unaffected|makes no "
    r"difference)|no (effect|change|difference) (at all|whatsoever|is there)",
    re.IGNORECASE,
)


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
    order = (
        "Pushing along mean_difference",
        "more than its controls?",
        "Problem map",
        "mean_difference: primary set, codi protocol",
        "Every table and figure: primary set, codi protocol",
        "selected_on_outcome.",
        "regression to the mean",
        "How verdicts are reached",
        "Gates and provenance",
        "No plan was frozen: every result is exploratory.",
        "Digest of all outcomes",
        "Gates of run",
        "dead_positions",
        "Size of α × direction relative to the latents",
        "Components of mean_difference",
    )
    places = [page.text.index(words) for words in order if words in page.text]
    assert len(places) == len(order)
    # The contents name sections before they come.
    text = page.text[page.text.index("Problem map", page.text.index("Problem map") + 1) :]
    places = [text.index(words) for words in order[3:]]
    assert places == sorted(places)
    for words in ("difficulty-matched", "steerstat sql", "exploratory"):
        assert words in page.text


def test_no_caption_or_note_claims_that_nothing_happens(whole_report) -> None:
    text = (whole_report / "report.md").read_text(encoding="utf-8")
    assert not ABSENCE.search(text)


def test_no_document_claims_an_absence_without_its_test() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    # The guide to the statistics speaks of null hypotheses, and of what not to write.
    texts = [page.read_text(encoding="utf-8") for page in pages if page.name != "statistics.md"]
    assert [found[0] for text in texts for found in ABSENCE.finditer(text)] == []


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
