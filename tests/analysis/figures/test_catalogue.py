"""Which figures there are: what each is of, the name that follows, and that no two share one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis import tables
from analysis.figures import catalogue
from analysis.figures.catalogue import figures, named
from analysis.figures.figure import Drawing, Figure, Kind, Place, figures_of, told_apart
from analysis.figures.of_sets import OF_SETS
from analysis.figures.of_stores import OF_STORES
from analysis.tables.readings import Readings


def test_every_figure_is_of_one_kind_subject_and_place(drawn_from) -> None:
    found = figures(drawn_from)
    names = [figure.name for figure in found]
    assert len(set(names)) == len(names)
    assert {figure.kind.name for figure in found} == {kind.name for kind in (*OF_SETS, *OF_STORES)}
    expected = {
        "overview-primary-codi",
        "accuracy-balanced-codi",
        "problems-mean_difference-primary-codi",
        "direction-mean_difference",
        "direction-norms",
        "latent-norms",
    }
    assert expected <= set(names)
    for figure in found:
        assert figure.caption.endswith((".", "%.")), figure.name
        assert figure.caption.count("SELECTED ON OUTCOME") == int(figure.place.selected)


def chart(values: list[float], mark: str = "point"):
    import altair as alt

    data = alt.Data(values=[{"x": value} for value in values])
    base = alt.Chart(data)
    drawn = base.mark_point() if mark == "point" else base.mark_bar()
    return lambda width: drawn.encode(x=alt.X("x", type="quantitative")).properties(width=width)


def kind(name: str, *subjects: str, **more) -> Kind:
    """A kind of figure that has these subjects everywhere."""
    return Kind(
        name=name,
        title="A figure of {subject}",
        query="behind_power",
        draw=lambda place: [
            Drawing(build=chart([1.0]), caption="Said.", subject=one) for one in subjects
        ],
        **more,
    )


@pytest.fixture
def place(drawn_from) -> Place:
    return Place(readings=Readings(drawn_from))


def test_a_direction_called_norms_keeps_its_figure(place) -> None:
    kinds = [kind("direction", "norms", "other"), kind("direction-norms", "")]
    found = named(figures_of(place, kinds))
    names = [figure.name for figure in found]
    assert len(set(names)) == 3
    assert names[1] == "direction-other"
    assert all(name.startswith("direction-norms-") for name in (names[0], names[2]))
    # What else there is and in which order does not rename it.
    again = named(figures_of(place, [kind("direction-norms", ""), kind("direction", "norms")]))
    assert {f.name for f in again} == {names[0], names[2]}


def test_a_direction_called_norms_is_drawn_from_a_store(drawn_from, monkeypatch) -> None:
    norms = tables.direction_norms(drawn_from)
    renamed = norms.assign(direction=norms["direction"].replace("mean_difference", "norms"))
    components = tables.direction_components(drawn_from, "mean_difference")
    monkeypatch.setattr(tables, "direction_norms", lambda store: renamed)
    monkeypatch.setattr(tables, "direction_components", lambda store, name: components)
    found = [f for f in figures(drawn_from) if f.name.startswith("direction-norms")]
    assert {(f.kind.name, f.drawing.subject) for f in found} == {
        ("direction", "norms"),
        ("direction-norms", ""),
    }
    assert len({f.name for f in found}) == 2


def test_names_that_differ_in_case_alone_are_told_apart() -> None:
    first, second, third = told_apart(["problems-A", "problems-a", "power"], [1, 2, 3])
    assert first.casefold() != second.casefold()
    assert third == "power"


def test_two_figures_of_one_name_are_an_error_in_the_code(place) -> None:
    with pytest.raises(ValueError, match="two figures have the name 'twice-of"):
        named(figures_of(place, [kind("twice", "of"), kind("twice", "of")]))


def test_a_new_figure_is_one_entry(drawn_from, monkeypatch) -> None:
    from analysis.report.content import content
    from analysis.report.document import Picture, flat

    made_of_others = replace(kind("others", ""), composed=True)
    monkeypatch.setattr(catalogue, "OF_SETS", (*OF_SETS, kind("new", ""), made_of_others))
    assert "others-primary-codi" in {figure.name for figure in figures(drawn_from)}
    blocks = content(Readings(drawn_from))
    shown = [block.figure.name for block in flat(blocks) if isinstance(block, Picture)]
    assert {"new-primary-codi", "new-balanced-codi"} <= set(shown)
    assert not [name for name in shown if name.startswith("others-")]
    # The one composed figure of the page is where its first screen wants it.
    assert [name for name in shown if name.startswith("overview-")] == ["overview-primary-codi"]


def test_the_digest_is_of_values_and_encodings_and_of_nothing_else(place) -> None:
    def digest(build, caption: str = "Said.") -> str:
        draw = [Drawing(build=build, caption=caption)]
        record = Kind(name="k", title="t", query="", draw=lambda place: draw)
        (figure,) = figures_of(place, [record])
        return figure.digest()

    first = digest(chart([1.0, 2.0]))
    assert digest(chart([1.0, 2.0]), "Said otherwise.") == first
    assert digest(chart([1.0, 2.5])) != first
    assert digest(chart([1.0, 2.0], "bar")) != first

    def scaled(width: float):
        import altair as alt

        return chart([1.0, 2.0])(width).encode(x=alt.X("x", type="ordinal"))

    assert digest(scaled) != first


def test_a_query_names_its_place(drawn_from) -> None:
    found = {figure.name: figure.sql for figure in figures(drawn_from)}
    assert "set_name IS NOT DISTINCT FROM 'primary'" in found["accuracy-primary-codi"]
    assert "set_name IS NOT DISTINCT FROM 'balanced'" in found["accuracy-balanced-codi"]
    assert "$" not in "".join(found.values())


def test_a_report_reads_its_store_once(drawn_from, tmp_path, monkeypatch) -> None:
    from analysis.report import write_report
    from store import querying

    asked: list[str] = []
    real = querying.read_script

    def read(root, script, **parameters):
        asked.append(f"{script.name} {sorted(parameters.items())}")
        return real(root, script, **parameters)

    monkeypatch.setattr(querying, "read_script", read)
    monkeypatch.setattr(Figure, "svg", lambda figure, style: "<svg/>")
    write_report(drawn_from, tmp_path, ["html"])
    assert any(name.startswith("accuracy_by_alpha ") for name in asked)
    assert len(asked) == len(set(asked))
