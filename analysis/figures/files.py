"""The figures of a store as files for print: drawn, captioned, and told from stale ones.

Every file carries the digest of the values it shows, so that a stale one can be told from a current
one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from analysis.charts import styles
from analysis.figures.catalogue import figures
from analysis.tables.readings import Source, opened
from analysis.vocabulary import FigureFormat, StyleName, all_checked, checked
from sql.errors import UserError

SUMMARY = "figures.json"


def write_figures(
    store: Source,
    out: Path | str | None = None,
    *,
    style: StyleName = "nature",
    formats: Sequence[FigureFormat] = get_args(FigureFormat),
) -> list[Path]:
    """Draw every figure of the store into a folder; returns the files written.

    Beside each figure stands its caption (.txt); `figures.json` lists names, digests and analyses.

    Raises:
        UserError: An unknown style or format, no format, or a folder that cannot be written.
    """
    from analysis.charts import render
    from store import committed
    from store.layout import open_store, write_atomically

    chosen = styles.STYLES[checked(style, StyleName, "style")]
    all_checked(formats, FigureFormat, "format")
    readings = opened(store)
    open_store(readings.path)
    folder = Path(out) if out is not None else readings.path / "figures"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write figures into {folder}: {error.strerror}") from error
    kept = committed(readings.path, "analyses", ["analysis_id", "parameters"]).to_pylist()
    written: list[Path] = []
    listed: dict[str, Any] = {}
    for figure in figures(readings):
        about: dict[str, Any] = {"figure": figure.name, "style": style, "digest": figure.digest()}
        about["analyses"] = analyses_of(kept, figure.place.context)
        svg = render.with_metadata(figure.svg(chosen), json.dumps(about, sort_keys=True))
        for form in formats:
            path = folder / f"{figure.name}.{form}"
            write_atomically(path, render.encode(svg, form, about))
            written.append(path)
        path = folder / f"{figure.name}.txt"
        write_atomically(path, (figure.caption + "\n").encode())
        written.append(path)
        listed[figure.name] = about | {"formats": list(formats)}
    summary = folder / SUMMARY
    write_atomically(summary, (json.dumps(listed, indent=1, sort_keys=True) + "\n").encode())
    return [*written, summary]


def analyses_of(kept: Sequence[Mapping[str, Any]], context: Mapping[str, Any]) -> list[str]:
    """Ids of those of the store's analyses that are of one problem set and protocol, sorted."""
    ids = set()
    for row in kept:
        contrast = json.loads(row["parameters"] or "{}").get("contrast", {})
        if context and all(contrast.get(name) == value for name, value in context.items()):
            ids.add(row["analysis_id"])
    return sorted(ids)


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
