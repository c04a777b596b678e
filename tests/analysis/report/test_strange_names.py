"""Names and texts that others chose: pages, figures and files stay safe, whatever they hold."""

from __future__ import annotations

import functools
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import tests.synthetic as synthetic
from analysis.charts import render, styles
from analysis.figures import figures, write_figures
from analysis.figures.figure import file_part
from analysis.report import write_report
from analysis.report.document import Block, Bullets, Finding, Fold, Grid, Heading, Text
from analysis.report.html import as_html
from analysis.report.latex import as_latex
from analysis.report.markdown import as_markdown
from analysis.report.table_files import write_tables
from collect.cli.directions import app as directions

EVIL = "a/b\nring\x07\x1b[31m\"'><script>alert(1)</script>&{{7*7}}%2F#?[/red]`$(x)`\u202e|"
LONG = "x" * 260
NAMES = {"mean_difference": "..", "mean_difference_matched": EVIL, "random_000": LONG}
RUN = "../../../run\x07<b>"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.fixture(scope="module")
def strange(tmp_path_factory) -> Path:
    """A store whose directions, kinds and run were named by somebody else, in shards."""
    path = tmp_path_factory.mktemp("strange") / "inner" / "store"
    direction = synthetic._direction

    def named(world, name, kind, role, parent):
        return direction(world, NAMES.get(name, name), NAMES.get(kind, kind), role, parent)

    with pytest.MonkeyPatch.context() as patch:
        # As earlier versions and other programs wrote them: no name was looked at.
        patch.setattr("store.shards.check_names", lambda *_: None)
        patch.setattr(synthetic, "_direction", named)
        patch.setattr(synthetic, "World", functools.partial(synthetic.World, run=RUN))
        synthetic.synthetic_store(
            path, rng=np.random.default_rng(1), n_problems=6, n_balanced=4, n_train=4,
            alphas=(-1.0, 1.0), control_alphas=(-1.0, 1.0), n_controls=2, report=False,
        )  # fmt: skip
    return path


class Tags(HTMLParser):
    """The scripts of a page, and every name of an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.attributes = 0, set[str]()

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.trial
def test_report_figures_and_tables_of_strange_names_are_safe(strange, tmp_path):
    out = tmp_path / "deep" / "out"
    written = write_report(strange, out, ["md", "html", "tex"])
    written += write_figures(strange, out / "figures", formats=["svg"])
    data = re.compile(r'data-query="[^"]*"')  # what is asked again must be as it was
    written += write_tables(strange, out / "tables", ["tex", "md", "csv"])
    everything = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.resolve() for path in written} <= set(everything)
    assert all(out in path.parents for path in everything)
    for path in everything:
        assert re.fullmatch(r"[\w.+-]{1,160}", path.name, re.ASCII), path
        if path.suffix == ".pdf":
            continue
        text = path.read_text("utf-8")
        assert not RAW.search(data.sub("", text)), path
        if path.suffix == ".svg":
            tags = {element.tag.split("}")[-1] for element in ET.fromstring(text).iter()}
            assert not tags & {"script", "a", "foreignObject"}, path
        if path.suffix == ".md":
            assert not re.search(r"(?<!\\)<[A-Za-z/!?]", text), path
    page = (out / "report.html").read_text("utf-8")
    found = Tags()
    found.feed(page)
    assert found.scripts == page.count("<script>") + page.count("<script ")
    assert not {name for name in found.attributes if name.startswith("on")}
    assert "&amp;{{7*7}}%2F" in page


def test_every_figure_has_a_file_name_of_its_own(strange):
    names = [figure.name for figure in figures(strange)]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(re.fullmatch(r"[\w.+-]+", name, re.ASCII) for name in names)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("mean_difference", "mean_difference"),
        ("random_000.5+x-1", "random_000.5+x-1"),
        ("", ""),
        ("x" * 60, "x" * 60),
    ],
)
def test_plain_names_are_parts_of_file_names_as_they_are(name, part):
    assert file_part(name) == part


@pytest.mark.parametrize(
    "name", ["..", "a/b", "a\nb", "x" * 61, '"', "%2F#?", "漢", ".x", "-x", " "]
)
def test_other_names_get_a_digest(name):
    part = file_part(name)
    assert re.fullmatch(r"([A-Za-z0-9_][\w.+-]*-)?[0-9a-f]{8}", part, re.ASCII)
    assert len(part) <= 70
    assert part != file_part(name + "!")


def test_a_control_character_in_a_chart_is_drawn_as_its_escape():
    import altair as alt

    data = alt.Data(values=[{"x": "ring\x07\x1b\x00", "y": 1}])
    chart = (
        alt.Chart(data)
        .mark_bar()
        .encode(x=alt.X("x", type="nominal", title="title\x07"), y=alt.Y("y", type="quantitative"))
    )
    svg = render.to_svg(chart, styles.STYLES["report"])
    assert not RAW.search(svg)
    texts = {element.text for element in ET.fromstring(svg).iter() if element.text}
    assert {"ring\\x07\\x1b\\x00", "title/x07"} <= texts


@pytest.mark.parametrize("title", ['a\\" + (1/0) + "', "a\\", "a\nb", "'\"`${x}", "x" * 260])
def test_a_title_is_no_code(title):
    import altair as alt

    chart = alt.Chart(alt.Data(values=[{"x": title, "y": 1}])).mark_point()
    svg = render.to_svg(
        chart.encode(
            x=alt.X("x", type="nominal", title=title),
            y=alt.Y("y", type="quantitative", title=title),
            color=alt.Color("x", type="nominal", title=title),
        ),
        styles.STYLES["report"],
    )
    labels = [element.get("aria-label", "") for element in ET.fromstring(svg).iter()]
    shown = title.replace("\\", "/").replace("\n", " ")
    assert any(label.startswith(f"{shown}: ") for label in labels)


def test_blocks_are_safe_in_every_format():
    asked = f"FROM runs -- {EVIL}"
    grid = Grid("grid", EVIL, [EVIL], [[EVIL]], note=EVIL, sql=asked)
    blocks: list[Block] = [
        Heading(EVIL, 1),
        Text(EVIL),
        Text(EVIL, stamp=True),
        Bullets([EVIL]),
        grid,
        Finding(EVIL, EVIL, EVIL, [(EVIL, EVIL, EVIL)], [(EVIL, EVIL, EVIL)]),
        Fold(EVIL, [Grid("folded", EVIL, [EVIL], [[EVIL]], stamp=EVIL)]),
    ]
    assert grid.sql == asked
    page = as_html(blocks, {}, store="store")
    tags = Tags()
    tags.feed(page)
    assert tags.scripts == 1
    assert not RAW.search(re.sub(r'data-query="[^"]*"', "", page))
    markdown, tex = as_markdown(blocks, {}), as_latex(blocks, {})
    assert not RAW.search(markdown + tex)
    assert not re.search(r"(?<!\\)<[A-Za-z/!?]", markdown)
    cells = [line for line in markdown.splitlines() if line.startswith("| a/b")]
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in cells] == [2, 2, 2, 2]
    assert not re.search(
        r"(?<!\\)[#%&_$]",
        tex.split("\\begin{document}")[1]
        .replace("$<$", "")
        .replace("$>$", "")
        .replace("$|$", "")
        .replace(" & ", ""),
    )


def test_the_list_of_directions_is_one_line_each(strange):
    result = CliRunner().invoke(directions, ["list", str(strange)])
    assert result.exit_code == 0
    assert not RAW.search(result.stdout)
    assert len(result.stdout.splitlines()) == 2 + 4
