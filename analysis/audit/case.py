"""What is audited: the readings of a store, and the document that speaks of it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.audit.finding import NotApplicable
from analysis.audit.headline import Headline, headline
from analysis.claims.documents import is_latex
from analysis.claims.parsing import parse_document
from analysis.tables.readings import Readings, texts_to_objects, view
from sql import loader


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document whose printed numbers are checked: where it lies, and its text."""

    path: Path
    text: str

    @property
    def latex(self) -> bool:
        """Whether it is LaTeX, else Markdown."""
        return is_latex(self.path)

    @functools.cached_property
    def seen(self) -> str:
        """Its text as a reader sees it, without markup."""
        return parse_document(self.text, latex=self.latex).text


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The rows of a query, and the query as a reader asks it again."""

    rows: pd.DataFrame
    sql: str

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return records(self.rows)

    @property
    def first(self) -> dict[str, Any]:
        """The first row; empty where there is none."""
        return records(self.rows[:1])[0] if len(self.rows) else {}

    def column(self, name: str) -> list[Any]:
        """The values of a column."""
        return list(self.rows[name])

    def where(self, keep: Sequence[bool]) -> Asked:
        """The rows that are to be kept; the query shows the others too."""
        return Asked(rows=self.rows[list(keep)].reset_index(drop=True), sql=self.sql)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A store, as it is audited."""

    readings: Readings
    document: Document | None = None

    def ask(self, name: str, **values: Any) -> Asked:
        """The rows of a query of `sql/audit`, computed once."""
        script = loader.scripts("audit")[name]
        key = ("audit", name, json.dumps(values, sort_keys=True))
        rows = self.readings.once(
            key, lambda: texts_to_objects(self.readings.rows(script, **values).to_pandas())
        )
        return Asked(rows=rows, sql=as_asked(script, values))

    def view(self, name: str) -> pd.DataFrame:
        """The rows of a view or table."""
        return view(self.readings, name)

    @property
    def tested(self) -> pd.DataFrame:
        """Candidates' rows of `accuracy_by_alpha` that are not on training sets.

        Raises NotApplicable where there is none.
        """
        rows = self.view("accuracy_by_alpha")
        sets = self.view("sets_overview")
        training = set(sets[sets["split"] == "train"]["set_name"])
        rows = rows[(rows["role"] == "candidate") & ~rows["set_name"].isin(training)]
        if rows.empty:
            raise NotApplicable("no candidate was tested")
        return rows.reset_index(drop=True)

    @property
    def headline(self) -> Headline:
        """The headline of the store, computed once."""
        return self.readings.once("headline", lambda: headline(self.readings))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def as_asked(script: loader.Script, values: Mapping[str, Any]) -> str:
    """A query with its parameters' values in their places, without its comments."""
    known = script.values(values)
    text = re.sub(r"\n\s*(?=\n)", "", loader.code(script.statement))
    return re.sub(r"\$(\w+)", lambda match: _literal(known[match[1]]), text).strip()


def _literal(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, str) or value is None:
        return loader.literal(value)
    return str(value)


def fields(text: str | None) -> dict[str, Any]:
    """The object that a JSON column holds; what is none says nothing."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
