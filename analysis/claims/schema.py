"""The claims file: what a document prints, and how each figure and sentence follows from data.

A TOML file with these parts (all but the claims are optional):

- `[document]`: title, path of the text, where it is from;
- `[totals]`: figures that the document prints, typed once and named;
- `[facts]`: numbers known from elsewhere, in the same way;
- `[tables.NAME]`: printed tables, by `columns` and `rows`, with columns derived from them;
- `[values]`: named intermediate values, each an expression or a binding;
- `[[claim]]`: one claim each, or one per row of a table by `each`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from analysis.claims.errors import ExpressionError
from analysis.claims.expression import parse
from analysis.vocabulary import ClaimKind, Course
from sql.errors import UserError, first_line

NEEDS_PRINTED: tuple[ClaimKind, ...] = ("value", "interval", "p", "count", "setting")


def _expression(text: str) -> str:
    try:
        parse(text)
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return text


def _as_printed(value: Any) -> Any:
    """Figures keep their last zero only as text."""
    if isinstance(value, float):
        raise ValueError(f'write the figure as text, "{value}", so that its precision is kept')
    return value


Printed = Annotated[str | int, BeforeValidator(_as_printed)]


def _threshold(value: Any) -> Any:
    """A number, or an expression that gives one."""
    if isinstance(value, str):
        try:
            parse(value)
        except ExpressionError:
            raise ValueError(
                f"needs a fraction such as 0.05 or the name of a figure, found {value!r}"
            ) from None
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"needs a fraction such as 0.05, found {value!r}")
    return float(value)


Threshold = Annotated[Any, BeforeValidator(_threshold)]
Formula = Annotated[str, Field(min_length=1), AfterValidator(_expression)]


class Strict(BaseModel):
    """A part of the file in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Query(Strict):
    """A binding to a view, a named query or SQL text of a store."""

    query: str
    params: dict[str, Any] = {}
    where: dict[str, Any] = {}
    column: str = ""


class Stored(Strict):
    """A binding to one row of the store's `results`.

    `contrast` is matched key by key against the JSON of the row; an effect is a fraction there.
    `field` is a column, or `interval` for both limits.
    """

    contrast: dict[str, Any] = {}
    name: str = ""
    quantity: str = ""
    method: str = ""
    family: str = ""
    analysis: str = ""
    field: str = "estimate"


class Planned(Strict):
    """A binding to an entry of the plan that is frozen in a store.

    `key` names it with dots, an entry of a list by its `name` or number: `contrast.main.alphas`.
    Of several plans that replaced each other the current one counts, or that whose id begins with
    `plan`.
    """

    key: str = Field(min_length=1)
    plan: str = ""


class Margins(Strict):
    """Printed totals of a 2x2 table, each an expression; whatever they leave open is enumerated."""

    n: Formula
    before: Formula | None = None
    after: Formula | None = None
    net: Formula | None = None

    @model_validator(mode="after")
    def _enough(self) -> Margins:
        if self.net is None and (self.before is None or self.after is None):
            raise ValueError("needs `net`, or both `before` and `after`")
        return self


class Value(Strict):
    """A named value: exactly one of the three."""

    expr: Formula | None = None
    query: Query | None = None
    result: Stored | None = None

    @model_validator(mode="after")
    def _one(self) -> Value:
        if sum(x is not None for x in (self.expr, self.query, self.result)) != 1:
            raise ValueError("needs exactly one of `expr`, `query`, `result`")
        return self


class Table(Strict):
    """A printed table. The first column names the rows."""

    columns: list[str] = Field(min_length=1)
    rows: list[list[Printed]] = Field(min_length=1)
    derived: dict[str, Formula] = {}

    @model_validator(mode="after")
    def _rectangular(self) -> Table:
        for number, row in enumerate(self.rows, 1):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {number} has {len(row)} entries for {len(self.columns)} columns"
                )
        keys = [str(row[0]) for row in self.rows]
        if len(set(keys)) != len(keys):
            raise ValueError(f"the first column names the rows, but repeats: {keys}")
        return self


class Claim(Strict):
    """One statement of the document and what it is bound to."""

    id: str = Field(min_length=1)
    kind: ClaimKind
    text: str = Field(min_length=1)
    printed: Printed | None = None
    where: str = ""
    each: str | None = None
    expr: Formula | None = None
    readings: dict[str, Formula] = {}
    query: Query | None = None
    result: Stored | None = None
    plan: Planned | None = None
    margins: Margins | None = None
    says: bool = True
    contrary: Formula | None = None
    level: Threshold = 0.05
    margin: Threshold | None = None
    null: float = 0.0
    direction: Course = "decreasing"
    strict: bool | None = None
    note: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Claim:
        bound = [self.expr is not None, bool(self.readings), self.query is not None]
        bound += [self.result is not None, self.plan is not None]
        if not any(bound):
            raise ValueError(
                "is bound to nothing: give `expr`, `readings`, `query`, `result` or `plan`"
            )
        if sum(bound[2:]) > 1:
            raise ValueError("give one of `query`, `result` and `plan`")
        if self.readings and self.expr is not None:
            raise ValueError(
                "give `expr` (one way to compute it) or `readings` (several), not both"
            )
        if self.kind in NEEDS_PRINTED and self.printed is None:
            raise ValueError(f"a claim of kind {self.kind!r} needs `printed`")
        if self.kind == "equivalence" and self.margin is None:
            raise ValueError("an equivalence claim needs `margin`, declared before the data")
        return self


class Document(Strict):
    """What the claims are about."""

    title: str = Field(min_length=1)
    path: str = ""
    source: str = ""
    about: str = ""


class ClaimsFile(Strict):
    """A whole claims file."""

    document: Document
    totals: dict[str, Printed] = {}
    facts: dict[str, Printed] = {}
    tables: dict[str, Table] = {}
    values: dict[str, Formula | Value] = {}
    claim: list[Claim] = []

    @model_validator(mode="after")
    def _names_are_one(self) -> ClaimsFile:
        names = [*self.totals, *self.facts, *self.tables, *self.values]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"these names are defined twice: {', '.join(twice)}")
        ids = [claim.id for claim in self.claim]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"these claim ids are used twice: {', '.join(twice)}")
        for claim in self.claim:
            if claim.each is not None and claim.each not in self.tables:
                raise ValueError(
                    f"claim {claim.id!r}: key 'each': there is no table {claim.each!r}; "
                    f"there are {', '.join(self.tables) or 'none'}"
                )
        return self


def load_claims(path: Path) -> ClaimsFile:
    """Read and validate a claims file.

    Raises:
        UserError: the file cannot be read; names the claim and the key that are wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not TOML: {first_line(error)}") from None
    return parse_claims(text, name=str(path))


def parse_claims(text: str, *, name: str = "claims") -> ClaimsFile:
    """Read and validate the text of a claims file.

    Raises:
        UserError: it is no TOML; names the claim and the key that are wrong.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{name}: is not TOML: {first_line(error)}") from None
    try:
        return ClaimsFile.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{name}: {_first_errors(error, raw)}") from None


def _first_errors(error: ValidationError, raw: dict[str, Any]) -> str:
    """Pydantic's errors in one line each, naming the claim by its id."""
    lines = []
    for fault in error.errors()[:5]:
        place = [str(part) for part in fault["loc"] if not str(part).startswith("function-")]
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "is not a key of a claims file"
        if len(place) >= 2 and place[0] == "claim":
            place = [_claim_name(raw, int(place[1])), *place[2:]]
            key = f": key {'.'.join(place[1:])!r}" if len(place) > 1 else ""
            lines.append(f"{place[0]}{key}: {message}")
        else:
            lines.append(f"key {'.'.join(place)!r}: {message}" if place else message)
    return "; ".join(lines)


def _claim_name(raw: dict[str, Any], number: int) -> str:
    claims = raw.get("claim")
    claim = claims[number] if isinstance(claims, list) and number < len(claims) else {}
    name = claim.get("id") if isinstance(claim, dict) else None
    return f"claim {name!r}" if name else f"claim number {number + 1} (without an id)"
