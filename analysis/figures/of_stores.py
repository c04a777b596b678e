"""The figures of a store as a whole, its directions and planning: each kind in one record.

A new kind is a function that draws it and an entry of `OF_STORES`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import tables, words
from analysis.figures.figure import Build, Drawing, Kind, Place
from analysis.tables.base import CURVE, groups


def _heatmap(components: pd.DataFrame) -> Build:
    from analysis import charts

    return lambda w: charts.direction_heatmap(components, width=w)


def _components(place: Place) -> Iterator[Drawing]:
    """The components of each direction."""
    for name in dict.fromkeys(place.rows(tables.direction_norms)["direction"]):
        table = tables.direction_components(place.readings, name)
        yield Drawing(
            build=_heatmap(table),
            caption=f"Direction {name}: latent position by the first "
            f"{table['dimension'].max() + 1} dimensions, in the model's units.",
            subject=name,
            columns=2,
        )


def _norms(place: Place) -> Iterator[Drawing]:
    """The norm of every direction by position."""
    from analysis import charts

    norms = place.rows(tables.direction_norms)
    if norms.empty:
        return
    yield Drawing(
        build=lambda w: charts.direction_norms_chart(norms, width=w),
        caption="Norm of each candidate direction by latent position (left), and relative to the "
        "mean norm of the baseline's latents there (right): what α = 1 adds.",
        columns=2,
        plots=2,
    )


def _cosines(place: Place) -> Iterator[Drawing]:
    """How alike the directions are."""
    from analysis import charts

    if place.rows(tables.direction_norms).empty:
        return
    cosines = place.rows(tables.direction_cosines)
    yield Drawing(
        build=lambda w: charts.cosine_chart(cosines),
        caption="Cosine between directions, all latent positions as one vector.",
    )


def _latents(place: Place) -> Iterator[Drawing]:
    """How the latents grow under steering."""
    from analysis import charts

    growth = place.rows(tables.latent_growth)
    if not growth["ratio"].notna().any():
        return
    yield Drawing(
        build=lambda w: charts.latent_norms_chart(growth, width=w),
        caption="Mean norm of the latents after steering over the baseline's mean norm, by latent "
        "position and α; all problems that were run.",
        columns=2,
        plots=len(groups(growth, [name for name in CURVE if name in growth])),
    )


def _power(place: Place) -> Iterator[Drawing]:
    """What so many problems can show."""
    from analysis import charts

    power = place.rows(tables.power_curves)
    if power.empty:
        return
    yield Drawing(
        build=lambda w: charts.power_chart(power, width=w),
        caption="Exact power of the two-sided McNemar mid-p test at level .05 over the number of "
        "problems, for true differences as labelled and "
        f"{words.percent(power['discordance'].iloc[0])} discordant pairs (the median of this "
        "store's candidates). Dashed: 80 %.",
    )


OF_STORES = (
    Kind(
        name="direction",
        title="Components of {subject}",
        query="behind_vectors",
        draw=_components,
    ),
    Kind(
        name="direction-norms",
        title="Norms of the directions",
        query="behind_direction_norms",
        draw=_norms,
    ),
    Kind(name="cosines", title="Cosines between directions", query="behind_vectors", draw=_cosines),
    Kind(
        name="latent-norms",
        title="Norms of the steered latents",
        query="behind_latent_norms",
        draw=_latents,
    ),
    Kind(name="power", title="Power of the paired test", query="behind_power", draw=_power),
)
