"""What the server shows beside the report: the box for SQL with its answer, and short notices."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlencode

import jinja2
from markupsafe import Markup

from analysis.serve.answers import Answer, pairs
from analysis.serve.chart import Choice, answer_svg, chosen, kind
from analysis.vocabulary import Mark
from sql import loader
from sql.errors import UserError
from sql.printable import one_line, printable

TEMPLATES = Path(__file__).parent / "templates"
STYLES = (
    Path(__file__).parent.parent / "report" / "templates" / "report.css",
    TEMPLATES / "serve.css",
)
SHOWN_ROWS = 500
LONGEST_CELL = 400


@dataclass(frozen=True)
class Question:
    """What the form of the SQL page holds."""

    text: str = ""
    parameters: str = ""
    choice: Choice = field(default_factory=Choice)

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Question:
        """From the fields of an address."""
        axes = (form.get(name, "") for name in ("x", "y", "colour", "mark"))
        return cls(form.get("q", "").strip(), form.get("p", ""), Choice(*axes))

    def values(self) -> dict[str, str]:
        """Its parameters by name. Raises UserError."""
        return pairs(self.parameters)


def sql_page(
    store: Path, token: str, asked: Question, answer: Answer | None, problem: str = ""
) -> str:
    """The box, the answer or what went wrong, a chart of it, and all names that can be asked for.

    `answer` is None where nothing was asked, or the query failed (`problem` says how).
    """
    drawn = chosen(answer, asked.choice) if answer else None
    kinds = dict(zip(answer.columns, map(kind, answer.types), strict=True)) if answer else {}
    return _template("sql.html.j2").render(
        store=store,
        asked=asked,
        answer=answer,
        columns=[one_line(name) for name in answer.columns] if answer else [],
        problem=problem,
        rows=[[_cell(value) for value in row] for row in answer.rows[:SHOWN_ROWS]]
        if answer
        else [],
        shown=SHOWN_ROWS,
        drawn=drawn,
        of_what=_of_what(drawn),
        drawing=_drawing(answer, drawn),
        marks=get_args(Mark),
        axes=[name for name, axis in kinds.items() if axis],
        numbers=[name for name, axis in kinds.items() if axis == "quantitative"],
        listed=_listed(token),
        token=token,
        report=link("/", token),
        files={
            form: link(f"/rows.{form}", token, q=asked.text, p=asked.parameters)
            for form in ("csv", "json")
        },
        style=_style(),
    )


def _listed(token: str) -> list[dict[str, str]]:
    """Every view and named query, with the address that asks for it."""
    from store.scripts import listing

    return [
        {
            "what": what,
            "name": name,
            "summary": summary,
            "link": link("/sql", token, q=name, p=_defaults(name) if given else ""),
        }
        for what, name, given, summary in listing()[1]
        if what != "macro"
    ]


def _of_what(drawn: Choice | None) -> str:
    """What the chart shows, in words."""
    if drawn is None:
        return ""
    by = f" by {drawn.colour}" if drawn.colour else ""
    return one_line(f"{drawn.y} over {drawn.x}{by}")


def _drawing(answer: Answer | None, drawn: Choice | None) -> Markup | None:
    """The chart; what Vega cannot draw is no reason to show nothing of the answer."""
    if answer is None or drawn is None:
        return None
    try:
        return Markup(answer_svg(answer, drawn))
    except ValueError:
        return None


def _defaults(name: str) -> str:
    """A named query's parameters with their defaults, as the form has them."""
    script = loader.queries()[name]
    values = [
        (p.name, "" if p.required else "NULL" if p.default is None else p.default)
        for p in script.parameters
    ]
    return "\n".join(f"{parameter}={value}" for parameter, value in values)


def notice(title: str, text: str, *, again: int | None = None) -> str:
    """A page of one sentence; it asks again by itself after `again` seconds."""
    return _template("notice.html.j2").render(title=title, text=text, again=again, style=_style())


def with_bar(page: str, token: str, note: str = "") -> str:
    """The report with a link to the box above it, and a note if it is not the newest."""
    bar = _template("bar.html.j2").render(sql=link("/sql", token), note=note)
    styles = f"<style>{STYLES[1].read_text(encoding='utf-8')}</style>\n</head>"
    return page.replace("</head>", styles, 1).replace("<body>", f"<body>\n{bar}", 1)


def link(path: str, token: str, **fields: str) -> str:
    """An address of this server; every one carries the token."""
    return f"{path}?{urlencode({'token': token} | {k: v for k, v in fields.items() if v})}"


def _cell(value: Any) -> str:
    """A value as text, cut where it is very long; NULL is told from an empty text."""
    if value is None:
        return "NULL"
    text = f"{value:.6g}" if isinstance(value, float) else printable(str(value))
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + " …"


def _style() -> Markup:
    """The report's look, and what the box adds to it."""
    return Markup("\n".join(path.read_text(encoding="utf-8") for path in STYLES))


@functools.cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    return environment.get_template(name)


def first_error(error: Exception) -> str:
    """An error as one sentence for the page."""
    kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
    return one_line(f"{kind}{error}")
