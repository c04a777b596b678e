"""Figures for print: exact widths, text that is really there, captions, and staleness."""

from __future__ import annotations

import io
import json
import re
import shutil
import struct

import pypdf
import pytest
from typer.testing import CliRunner

from analysis.charts import render, styles
from analysis.cli.figures import app
from analysis.figures import files as library
from analysis.figures.catalogue import figures
from analysis.recorded.analyses import analyze
from sql.errors import UserError


@pytest.fixture(scope="module")
def store(drawn_from, tmp_path_factory):
    root = tmp_path_factory.mktemp("figures") / "s"
    shutil.copytree(drawn_from, root)
    analyze(root, families=["alphas"])
    return root


@pytest.fixture(scope="module")
def drawn(store, tmp_path_factory):
    """All figures in the narrowest style, as SVG, and the accuracy figure as PDF and PNG."""
    folder = tmp_path_factory.mktemp("drawn")
    library.write_figures(store, folder, style="nature", formats=["svg"])
    return folder


WIDTHS = {1: "89mm", 2: "183mm"}


def test_every_figure_has_the_exact_width_of_its_column(store, drawn) -> None:
    found = {figure.name: figure for figure in figures(store)}
    assert {"accuracy-primary-codi", "controls-primary-codi", "cosines", "power"} <= set(found)
    for name, figure in found.items():
        opening = (drawn / f"{name}.svg").read_text()[:400]
        assert f'width="{WIDTHS[figure.drawing.columns]}"' in opening, name
        box = float(re.search(r'viewBox="0 0 ([\d.]+)', opening)[1])  # type: ignore[index]
        # One unit is one point: text keeps its size only if the box is not scaled down.
        assert box == pytest.approx(styles.points(WIDTHS[figure.drawing.columns]), rel=0.02), name


def test_text_is_five_to_eight_points(drawn) -> None:
    sizes = set()
    for path in drawn.glob("*.svg"):
        sizes |= {float(size) for size in re.findall(r'font-size="([\d.]+)px"', path.read_text())}
    assert sizes
    assert min(sizes) >= 5
    assert max(sizes) <= 8


def test_the_same_rows_give_the_same_svg_bytes(store, drawn, tmp_path) -> None:
    figure = next(f for f in figures(store) if f.name == "controls-primary-codi")
    again = figure.svg(styles.STYLES["nature"])
    kept = (drawn / "controls-primary-codi.svg").read_text()
    assert re.sub(r"<metadata>.*?</metadata>", "", kept) == again


def test_pdf_has_its_text_its_font_and_its_width(drawn) -> None:
    svg = (drawn / "accuracy-primary-codi.svg").read_text()
    about = {"figure": "accuracy", "digest": "d", "analyses": ["a(1)"]}
    page = pypdf.PdfReader(io.BytesIO(render.encode(svg, "pdf", about)))
    text = page.pages[0].extract_text()
    assert "Accuracy (%)" in text
    assert "mean_difference" in text
    assert "−2" in text
    fonts = page.pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    names = {font.get_object()["/BaseFont"] for font in fonts.values()}
    assert any("Roboto" in name for name in names)
    width = float(page.pages[0].mediabox.width)
    assert width == pytest.approx(styles.points("89mm"), abs=0.1)
    assert json.loads(page.metadata["/Keywords"]) == about  # type: ignore[index, arg-type]


def test_png_has_300_pixels_per_inch_and_says_what_it_is(drawn) -> None:
    svg = (drawn / "accuracy-primary-codi.svg").read_text()
    png = render.encode(svg, "png", {"figure": "accuracy"})
    width = struct.unpack(">I", png[16:20])[0]
    assert width == pytest.approx(89 / 25.4 * 300, abs=2)
    assert b'tEXtsteerstat\0{"figure": "accuracy"}' in png


def test_svg_carries_the_analyses_and_the_digest(store, drawn) -> None:
    text = (drawn / "accuracy-primary-codi.svg").read_text()
    about = json.loads(re.search(r"<metadata>(.*?)</metadata>", text)[1])  # type: ignore[index]
    figure = next(f for f in figures(store) if f.name == "accuracy-primary-codi")
    assert about["digest"] == figure.digest()
    assert len(about["analyses"]) == 2  # one a candidate


def test_captions_spell_out_n_test_interval_and_correction(drawn) -> None:
    forest = (drawn / "forest-primary-codi.txt").read_text()
    for words in ("n = ", "McNemar mid-p", "Holm", "Tango"):
        assert words in forest
    controls = (drawn / "controls-primary-codi.txt").read_text()
    for words in ("Crawford–Howell p", "rank p", "d = ", "of 8 controls lie beyond it"):
        assert words in controls
    assert "SELECTED ON OUTCOME" in (drawn / "accuracy-balanced-codi.txt").read_text()
    assert "SELECTED" not in forest


def test_no_figure_has_a_title(store, drawn) -> None:
    for figure in figures(store):
        text = (drawn / f"{figure.name}.svg").read_text()
        assert figure.title not in text, figure.name
        assert "<title>" not in text, figure.name


def test_check_finds_what_is_stale(store, drawn, tmp_path) -> None:
    folder = tmp_path / "figures"
    shutil.copytree(drawn, folder)
    assert library.stale_figures(store, folder) == {}
    (folder / "power.svg").unlink()
    listed = json.loads((folder / library.SUMMARY).read_text())
    listed["cosines"]["digest"] = "0" * 64
    del listed["latent-norms"]
    (folder / library.SUMMARY).write_text(json.dumps(listed))
    assert library.stale_figures(store, folder) == {
        "cosines": "the rows behind it have changed",
        "latent-norms": "not drawn yet",
        "power": "power.svg is missing",
    }
    result = CliRunner().invoke(app, [str(store), "--check", "--out", str(folder)])
    assert result.exit_code == 1
    assert "cosines: the rows behind it have changed" in result.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"style": "natur"}, "unknown style 'natur'"),
        ({"formats": ["gif"]}, "unknown format 'gif'"),
        ({"formats": []}, "no format given: any of svg, pdf, png"),
    ],
)
def test_bad_requests_say_what_there_is(store, tmp_path, options, said) -> None:
    with pytest.raises(UserError, match=said):
        library.write_figures(store, tmp_path / "f", **options)
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize("formats", ["", " , "])
def test_no_format_is_refused(store, tmp_path, formats) -> None:
    result = CliRunner().invoke(app, [str(store), "--format", formats, "--out", str(tmp_path)])
    assert isinstance(result.exception, UserError)
    assert "no format given: any of svg, pdf, png, tex, md, csv" in str(result.exception)


def test_an_unknown_format_is_refused_before_the_known_ones_are_written(store, tmp_path) -> None:
    result = CliRunner().invoke(app, [str(store), "--format", "svg,csb", "--out", str(tmp_path)])
    assert "unknown format 'csb': did you mean csv?" in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_one_clear_line(store, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write figures into"):
        library.write_figures(store, tmp_path / "file" / "figures")


def test_a_legend_wider_than_the_plots_is_fitted_too() -> None:
    wide = '<svg class="marks" width="300" height="100" viewBox="0 0 300 100"><g/></svg>'
    fitted = render.exact_width(wide, "89mm")
    assert 'width="89mm"' in fitted
    assert 'viewBox="0 0 300.000 100.000"' in fitted
    narrow = wide.replace("300", "200")
    assert f'viewBox="0 0 {styles.points("89mm"):.3f} 100.000"' in render.exact_width(
        narrow, "89mm"
    )
