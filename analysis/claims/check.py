"""Check every claim of a file: expand it, recompute it, judge it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.claims.binding import Environment, Rows, show_value, undefined_names
from analysis.claims.expression import ExpressionError, evaluate, parse
from analysis.claims.judge import (
    DECISION_DRIFT,
    FAIL,
    PASS,
    UNDETERMINED,
    VALUE_DRIFT,
    Judgement,
    judge,
)
from analysis.claims.margins import Enumeration, PairTable, enumerate_claim, tables_that_fit
from analysis.claims.printed import Figure, print_like
from analysis.claims.schema import Claim, ClaimsFile, Margins, load_claims
from analysis.vocabulary import ClaimKind, ClaimVerdict
from sql.errors import UserError


@dataclass(frozen=True)
class Checked:
    """One claim and what became of it.

    Attributes:
        id: name of the claim, unique in its file.
        text: what the document says, in words.
        printed: figure or word as printed.
        recomputed: the same, recomputed, at the printed precision.
        verdict: PASS, VALUE-DRIFT, DECISION-DRIFT, UNDETERMINED or FAIL.
        reason: why.
        kind: kind of claim.
        where: place in the document.
        note: what a reader should know beyond the reason.
    """

    id: str
    text: str
    printed: str
    recomputed: str
    verdict: ClaimVerdict
    reason: str
    kind: ClaimKind
    where: str
    note: str

    def as_dict(self) -> dict[str, str]:
        """The record as plain text fields."""
        return asdict(self)


def check_file(path: Path, *, rows: Rows | None = None) -> list[Checked]:
    """Check the claims file at `path`, in its order.

    Args:
        path: the TOML file.
        rows: a store's answers (`analysis.claims.stored.StoreRows`), where claims need them.

    Raises:
        UserError: the file is invalid, names something undefined, or holds no claim.
    """
    file = load_claims(path)
    missing = undefined_names(file)
    if missing:
        raise UserError(f"{path}: {'; '.join(missing[:5])}")
    return check_claims(file, rows=rows)


def check_claims(file: ClaimsFile, *, rows: Rows | None = None) -> list[Checked]:
    """Check claims that are already loaded."""
    environment = Environment(file, rows)
    checked = []
    for claim in file.claim:
        try:
            checked += [_check(claim, environment, n) for n in environment.row_names(claim)]
        except ValueError as error:
            raise UserError(f"claim {claim.id!r}: {error}") from None
    ids = [c.id for c in checked]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise UserError(f"these claim ids come out twice: {', '.join(twice[:5])}")
    return checked


def _check(claim: Claim, environment: Environment, row: Mapping[str, Any]) -> Checked:
    names = dict(row)
    printed = environment.fill(str(claim.printed), names) if claim.printed is not None else ""
    for key in ("level", "margin"):
        given = getattr(claim, key)
        if given is not None:
            names[key] = environment.value_of(given, names) if isinstance(given, str) else given
    try:
        judgement = _judge_all(claim, printed, environment, names)
    except ValueError as error:
        judgement = Judgement(FAIL, "", str(error))
    return Checked(
        id=environment.fill(claim.id, names),
        text=environment.fill(claim.text, names),
        printed=printed or ("holds" if claim.says else "does not hold"),
        recomputed=judgement.recomputed,
        verdict=judgement.verdict,
        reason=judgement.reason,
        kind=claim.kind,
        where=environment.fill(claim.where, names),
        note=environment.fill(claim.note, names),
    )


def _judge_all(
    claim: Claim, printed: str, environment: Environment, names: dict[str, Any]
) -> Judgement:
    """Judge each reading of a claim, and take the kindest."""
    if claim.query is not None:
        names["value"] = environment.rows.query(claim.query)
    elif claim.result is not None:
        names["value"] = environment.rows.stored(claim.result)
    readings = claim.readings or {"": claim.expr or "value"}
    tables = _fitting(claim.margins, environment, names) if claim.margins else None
    judgements: dict[str, Judgement] = {}
    for label, expression in readings.items():
        if tables is None:
            judgements[label] = _one(claim, printed, expression, environment, names)
        else:
            judgements[label] = _over_tables(claim, printed, expression, environment, names, tables)
    return _kindest(judgements)


def _one(
    claim: Claim, printed: str, expression: str, environment: Environment, names: Mapping[str, Any]
) -> Judgement:
    scope = environment.scope(names)
    value = evaluate(expression, scope)
    judgement = judge(claim, printed, value, float(names["level"]))
    if isinstance(value, bool):
        sides = _sides(expression, scope)
        if sides:
            return Judgement(judgement.verdict, *sides)
    return judgement


def _sides(expression: str, scope: Any) -> tuple[str, str] | None:
    """Left value of a comparison, and the comparison in numbers."""
    tree = parse(expression)
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return None
    left, right = (evaluate(ast.unparse(side), scope) for side in (tree.left, tree.comparators[0]))
    truth = evaluate(expression, scope)
    sign = {"Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Eq": "=", "NotEq": "!="}
    verb = sign[type(tree.ops[0]).__name__]
    unit = next((x for x in (right, left) if isinstance(x, Figure) and x.unit), None)
    shown = [_in_unit(side, unit) for side in (left, right)]
    return shown[0], f"{shown[0]} {verb} {shown[1]} is {'true' if truth else 'false'}"


def _in_unit(value: Any, unit: Figure | None) -> str:
    """A side of a comparison in the unit of the printed figure it stands against."""
    if unit is not None and isinstance(value, int | float):
        return print_like(value, unit)
    return f"{float(value):g}" if isinstance(value, Figure) else show_value(value)


def _fitting(
    margins: Margins, environment: Environment, names: Mapping[str, Any]
) -> list[PairTable]:
    def number(expression: str | None) -> int | None:
        """The whole number that an expression gives; None without one."""
        if expression is None:
            return None
        value = environment.value_of(expression, names)
        if value != int(value):
            raise ExpressionError(f"{expression!r} is {value:g}, not a whole number of problems")
        return int(value)

    return tables_that_fit(
        number(margins.n) or 0,
        before=number(margins.before),
        after=number(margins.after),
        net=number(margins.net),
    )


def _over_tables(
    claim: Claim,
    printed: str,
    expression: str,
    environment: Environment,
    names: Mapping[str, Any],
    tables: list[PairTable],
) -> Judgement:
    """The verdict over every table that fits: PASS for all, drift for none, else UNDETERMINED."""
    if not tables:
        return Judgement(FAIL, "", "no 2x2 table fits the printed totals")
    each: dict[PairTable, Judgement] = {}
    for table in tables:
        local = {**names, "gained": table.gained, "lost": table.lost, "n": table.n}
        each[table] = _one(claim, printed, expression, environment, local)
    enumeration = enumerate_claim(tables, lambda table: each[table].verdict == PASS)
    values = [judgement.recomputed for judgement in each.values()]
    spread = values[0] if len(set(values)) == 1 else f"{values[0]} to {values[-1]}"
    return Judgement(_verdict_over(enumeration, each), spread, f"true {enumeration.says()}")


def _verdict_over(enumeration: Enumeration, each: Mapping[PairTable, Judgement]) -> ClaimVerdict:
    if enumeration.always:
        return PASS
    if not enumeration.never:
        return UNDETERMINED
    kinds = {judgement.verdict for judgement in each.values()}
    return kinds.pop() if len(kinds) == 1 else DECISION_DRIFT


def _kindest(judgements: Mapping[str, Judgement]) -> Judgement:
    """The document does not say which reading is meant: it is right if one of them is."""
    if list(judgements) == [""]:
        return judgements[""]
    for verdict in (PASS, UNDETERMINED, VALUE_DRIFT, DECISION_DRIFT, FAIL):
        best = [label for label, j in judgements.items() if j.verdict == verdict]
        if best:
            break
    said = "; ".join(f"{label}: {j.reason}" for label, j in judgements.items())
    return Judgement(verdict, judgements[best[0]].recomputed, said)
