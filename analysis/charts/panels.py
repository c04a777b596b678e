"""Several charts as the panels of one figure, each with its letter."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

import altair as alt
from altair.typing import ChartType


def lettered(charts: Sequence[ChartType], *, columns: int = 2) -> alt.ConcatChart:
    """The charts side by side, `columns` a row, with bold letters above their left corners.

    Scales and legends stay each panel's own.
    """
    panels = [
        chart.properties(title=alt.TitleParams(letter, anchor="start", frame="bounds"))
        for chart, letter in zip(charts, ascii_lowercase, strict=False)
    ]
    return alt.concat(*panels, columns=columns).resolve_scale(
        color="independent", shape="independent", x="independent", y="independent"
    )
