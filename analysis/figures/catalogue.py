"""The figures of a store for print: which there are, what they show, and what is written with them.

Every figure is drawn from tables, has a caption that spells out n, test, interval and correction,
and carries the digest of the values it shows, so that a stale file can be told from a current one.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import tables
from analysis.charts import styles
from analysis.figures import captions
from analysis.tables.base import CONTEXT, groups, matching
from sql.errors import UserError

FORMATS = ("svg", "pdf", "png")
SUMMARY = "figures.json"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure: its file name, how it is built at a plot width, how wide it is, its caption.

    `columns` of the page it is wide, `plots` stand side by side in it.
    """

    name: str
    title: str
    columns: int
    build: Callable[[float], Any]
    caption: str
    plots: int = 1
    selected_on_outcome: bool = False
    # Made of other figures: for a paper, not for a report that shows those already.
    composed: bool = False
    context: Mapping[str, Any] = field(default_factory=dict)

    def svg(self, style: styles.Style) -> str:
        """The figure drawn at the style's width."""
        from analysis.charts.render import fit

        return fit(self.build, style, self.columns, plots=self.plots)

    def digest(self) -> str:
        """sha256 of the values drawn and how they are encoded, whatever the width."""
        spec = json.dumps(
            self.build(100.0).to_dict(validate=False), sort_keys=True, ensure_ascii=True
        )
        return hashlib.sha256(spec.encode()).hexdigest()


def figures(store: Path | str) -> list[Figure]:
    """Every figure that the store has rows for, sets that were drawn at random first."""
    found: list[Figure] = []
    curves = tables.accuracy_curves(store)
    contexts = sorted(
        groups(curves, [*CONTEXT, "selected_on_outcome"]).items(), key=lambda item: item[0][-1]
    )
    for value, index in contexts:
        context = dict(zip(CONTEXT, value[:-1], strict=True))
        found += _of_context(Path(store), context, curves.iloc[index], bool(value[-1]))
    return found + _of_store(Path(store))


def slug(context: dict[str, Any]) -> str:
    """A problem set and protocol as part of a file name."""
    return "-".join(
        "".join(c if c.isalnum() else "-" for c in str(context[name] or "all"))
        for name in ("set_name", "protocol")
    )


def _of_context(
    store: Path, context: dict[str, Any], curves: pd.DataFrame, selected: bool
) -> list[Figure]:
    """The figures of one problem set under one protocol."""
    from analysis import charts

    def own(table: pd.DataFrame) -> pd.DataFrame:
        return matching(table, context)

    about = captions.About.of(context, curves, selected)
    found: list[Figure] = []

    def add(
        name: str,
        title: str,
        columns: int,
        build: Callable[[float], Any],
        text: str,
        plots: int = 1,
    ) -> None:
        found.append(
            Figure(
                name=f"{name}-{slug(context)}",
                title=f"{title}, {about.where}",
                columns=columns,
                plots=plots,
                build=build,
                caption=f"{text} {about.stamp}".strip(),
                selected_on_outcome=selected,
                context=context,
            )
        )

    band = own(tables.control_band(store))
    add("accuracy", "Accuracy over α", 1,
        lambda w: charts.accuracy_chart(curves, band, width=w, height=125),
        captions.accuracy(about, band))  # fmt: skip
    strip, compared = own(tables.controls_strip(store)), own(tables.controls(store))
    if len(compared):
        add("controls", "Candidates among control directions", 1,
            lambda w: charts.controls_chart(strip, compared, width=w),
            captions.controls(about, compared))  # fmt: skip
    forest = own(tables.forest(store))
    add("forest", "Paired differences", 1, lambda w: charts.forest_chart(forest, width=w),
        captions.forest(about))  # fmt: skip
    long, wide = own(tables.transitions_long(store)), own(tables.transitions(store))
    columns = 2 if long["direction"].nunique() > 1 else 1
    add("transitions", "Transitions", columns,
        lambda w: charts.transitions_chart(long, wide, width=w, height=130),
        captions.transitions(about), long["direction"].nunique())  # fmt: skip
    strata = own(tables.strata(store))
    if len(strata):
        text = captions.strata(about, own(tables.homogeneity(store)))
        add("strata", "By number of steps", 2, lambda w: charts.strata_chart(strata, width=w),
            text, strata["stratum"].nunique())  # fmt: skip
    doses = own(tables.doses(store))
    if len(doses):
        add("doses", "Signed effect and damage", 1,
            lambda w: charts.dose_chart(doses, width=w, height=110),
            captions.doses(about, own(tables.trends(store))),
            doses["direction"].nunique())  # fmt: skip
    blocks, borders = own(tables.problem_blocks(store)), own(tables.problem_strata(store))
    for direction in dict.fromkeys(blocks["direction"]):
        _add_problems(add, direction, blocks, borders, about)
    return [*_overview(found), *found]


def _overview(found: Sequence[Figure]) -> list[Figure]:
    """Accuracy and controls as the lettered panels of one figure, where there are both."""
    from analysis.charts import lettered

    parts = [f for f in found if f.name.split("-")[0] in ("accuracy", "controls")]
    if len(parts) < 2:
        return []
    first, second = parts
    return [
        replace(
            first,
            name=first.name.replace("accuracy", "overview"),
            title=first.title.replace("Accuracy over α", "Overview"),
            columns=2,
            plots=2,
            build=lambda w: lettered([first.build(w), second.build(w)]),
            caption=f"(a) {first.caption} (b) {second.caption}",
            composed=True,
        )
    ]


def _add_problems(
    add: Callable[..., None],
    direction: str,
    blocks: pd.DataFrame,
    borders: pd.DataFrame,
    about: captions.About,
) -> None:
    """The grid of problems of one direction."""
    from analysis import charts

    cells = blocks[blocks["direction"] == direction]
    lines = borders[borders["direction"] == direction]
    add(f"problems-{direction}", f"Problems under {direction}", 1,
        lambda w: charts.problems_chart(cells, lines, width=w),
        captions.problems(about, direction))  # fmt: skip


def _heatmap(components: pd.DataFrame, width: float) -> Any:
    """One direction's components at a plot width."""
    from analysis import charts

    return charts.direction_heatmap(components, width=width)


def _of_store(store: Path) -> list[Figure]:
    """The figures of the directions themselves, and of planning."""
    from analysis import charts

    found: list[Figure] = []
    norms = tables.direction_norms(store)
    for name in dict.fromkeys(norms["direction"]):
        components = tables.direction_components(store, name)
        found.append(
            Figure(
                name=f"direction-{name}",
                title=f"Components of {name}",
                columns=2,
                build=functools.partial(_heatmap, components),
                caption=captions.components(name, components),
            )
        )
    if len(norms):
        whole = norms.drop_duplicates(["direction", "position"])
        found.append(
            Figure(
                name="direction-norms",
                title="Norms of the directions",
                columns=2,
                plots=2,
                build=lambda w: charts.direction_norms_chart(whole, width=w),
                caption=captions.norms(),
            )
        )
        cosines = tables.direction_cosines(store)
        found.append(
            Figure(
                name="cosines",
                title="Cosines between directions",
                columns=1,
                build=lambda w: charts.cosine_chart(cosines),
                caption=captions.cosines(),
            )
        )
    growth = tables.latent_growth(store)
    if growth["ratio"].notna().any():
        found.append(
            Figure(
                name="latent-norms",
                title="Norms of the steered latents",
                columns=2,
                plots=growth["direction"].nunique(),
                build=lambda w: charts.latent_norms_chart(growth, width=w),
                caption=captions.latents(),
            )
        )
    power = tables.power_curves(store)
    if len(power):
        found.append(
            Figure(
                name="power",
                title="Power of the paired test",
                columns=1,
                build=lambda w: charts.power_chart(power, width=w),
                caption=captions.power(power),
            )
        )
    return found


def write_figures(
    store: Path | str,
    out: Path | str | None = None,
    *,
    style: str = "nature",
    formats: Sequence[str] = FORMATS,
) -> list[Path]:
    """Draw every figure of the store into a folder; returns the files written.

    Beside each figure stands its caption (.txt); `figures.json` lists names, digests and analyses.

    Raises
    ------
    UserError
        An unknown style or format, or a folder that cannot be written.
    """
    from analysis.charts import render

    chosen = checked_style(style)
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise UserError(f"unknown format {unknown[0]!r}: one of {', '.join(FORMATS)}")
    folder = Path(out) if out is not None else Path(store) / "figures"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write figures into {folder}: {error.strerror}") from error
    written: list[Path] = []
    listed: dict[str, Any] = {}
    for figure in figures(store):
        about: dict[str, Any] = {"figure": figure.name, "style": style, "digest": figure.digest()}
        about["analyses"] = analyses_of(store, figure.context)
        svg = render.with_metadata(figure.svg(chosen), json.dumps(about, sort_keys=True))
        for form in formats:
            path = folder / f"{figure.name}.{form}"
            path.write_bytes(render.encode(svg, form, about))
            written.append(path)
        path = folder / f"{figure.name}.txt"
        path.write_text(figure.caption + "\n", encoding="utf-8")
        written.append(path)
        listed[figure.name] = about | {"formats": list(formats)}
    summary = folder / SUMMARY
    summary.write_text(json.dumps(listed, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return [*written, summary]


def checked_style(name: str) -> styles.Style:
    """The style of that name; an unknown one is the user's error."""
    if name not in styles.STYLES:
        raise UserError(f"unknown style {name!r}: one of {', '.join(styles.STYLES)}")
    return styles.STYLES[name]


def analyses_of(store: Path | str, context: Mapping[str, Any]) -> list[str]:
    """Ids of the analyses that the store keeps of one problem set and protocol, sorted."""
    from store import committed

    kept = committed(Path(store), "analyses", ["analysis_id", "parameters"]).to_pylist()
    found = set()
    for row in kept:
        contrast = json.loads(row["parameters"] or "{}").get("contrast", {})
        if context and all(contrast.get(name) == value for name, value in context.items()):
            found.add(row["analysis_id"])
    return sorted(found)


def stale_figures(store: Path | str, out: Path | str | None = None) -> dict[str, str]:
    """Which files are not what the store would draw now: name and reason; empty if all are."""
    folder = Path(out) if out is not None else Path(store) / "figures"
    summary = folder / SUMMARY
    if not summary.exists():
        raise UserError(f"{summary} is not there: run `steerstat figures {store}` first")
    listed = json.loads(summary.read_text(encoding="utf-8"))
    now = {figure.name: figure.digest() for figure in figures(store)}
    stale = {name: "not drawn yet" for name in now if name not in listed}
    for name, about in listed.items():
        if name not in now:
            stale[name] = "the store has no rows for it any more"
        elif about["digest"] != now[name]:
            stale[name] = "the rows behind it have changed"
        else:
            gone = [f for f in about["formats"] if not (folder / f"{name}.{f}").exists()]
            if gone:
                stale[name] = f"{name}.{gone[0]} is missing"
    return dict(sorted(stale.items()))
