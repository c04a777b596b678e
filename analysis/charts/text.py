"""Words in the place of a chart."""

from __future__ import annotations

import textwrap

import altair as alt

CHARACTERS = 70
LINE = 11


def text_chart(text: str, *, width: float) -> alt.Chart:
    """A text, wrapped, where a figure cannot be drawn."""
    lines = textwrap.wrap(text, CHARACTERS) or [""]
    data = alt.Data(values=[{"label": line, "line": i} for i, line in enumerate(lines)])
    return (
        alt.Chart(data, width=width, height=LINE * (len(lines) + 1))
        .mark_text(align="left", baseline="top", fontSize=8)
        .encode(
            x=alt.value(0),
            y=alt.Y("line:Q", axis=None, scale=alt.Scale(domain=[len(lines), 0], nice=False)),
            text="label:N",
        )
    )
