"""The mutants of a Python file: one small change each, made on its syntax tree.

Left alone are texts, annotations, decorators and the messages of errors: a changed word is no
changed behaviour, and tests that pin every word would only say the code again. So is `strict=True`
of `zip`, which asserts what never fails.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
OPPOSITES = {
    "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum",
    "argmin": "argmax", "argmax": "argmin", "nanmin": "nanmax", "nanmax": "nanmin",
    "any": "all", "all": "any", "floor": "ceil", "ceil": "floor",
}  # fmt: skip
# Comparisons whose swap is their negation; a `<` that becomes `<=` is something else.
NEGATED = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
WHOLE_FILE = (0, 1_000_000)
Span = tuple[int, int]


@dataclass(frozen=True)
class Mutant:
    """One change of one file: the number names it, a line of the span must run to notice it."""

    path: str
    number: int
    span: Span
    line: int
    inside: str
    was: str
    became: str


class _Change(NamedTuple):
    """A node of the tree and what stands in its place."""

    node: ast.expr | ast.stmt
    instead: ast.AST
    span: Span
    inside: str


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Every mutant of a source text, in the order of the text."""
    return [
        Mutant(path, number, change.span, change.node.lineno, change.inside, *_said(change))
        for number, change in enumerate(_changes(ast.parse(source).body, ""))
    ]


def mutated(source: str, number: int) -> ast.Module:
    """The tree of a source text with one of its mutants applied."""
    tree = ast.parse(source)
    change = list(_changes(tree.body, ""))[number]

    class Replace(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            """Put the change in the place of its node."""
            if node is change.node:
                return ast.copy_location(change.instead, node)
            return self.generic_visit(node)

    Replace().generic_visit(tree)
    return ast.fix_missing_locations(tree)


def _said(change: _Change) -> tuple[str, str]:
    """What was there and what is instead; of an argument left out, only the argument."""
    if isinstance(change.node, ast.Call):
        kept = {id(keyword) for keyword in getattr(change.instead, "keywords", [])}
        for keyword in change.node.keywords:
            if id(keyword) not in kept:
                return f"{ast.unparse(change.node.func)}(..., {ast.unparse(keyword)})", "left out"
    return ast.unparse(change.node), ast.unparse(ast.fix_missing_locations(copy(change.instead)))


def _changes(
    body: list[ast.stmt], inside: str, span: Span | None = WHOLE_FILE
) -> Iterator[_Change]:
    """The changes of a block; `span` is None where each statement has lines of its own."""
    for statement in body:
        lines = (statement.lineno, statement.end_lineno or statement.lineno)
        if isinstance(statement, ast.FunctionDef):
            name = f"{inside}.{statement.name}".strip(".")
            for default in filter(None, [*statement.args.defaults, *statement.args.kw_defaults]):
                yield from _within(default, (statement.body[0].lineno, lines[1]), name)
            yield from _changes(statement.body, name, None)
        elif isinstance(statement, ast.ClassDef):
            yield from _changes(statement.body, f"{inside}.{statement.name}".strip("."))
        elif isinstance(statement, ast.If | ast.While | ast.For | ast.With | ast.Try):
            for header in _headers(statement):
                here = span or (lines[0], header.end_lineno or lines[0])
                if isinstance(statement, ast.If | ast.While):
                    yield from _negation(header, here, inside)
                yield from _within(header, here, inside)
            for block in _blocks(statement):
                yield from _changes(block, inside, span)
        elif not isinstance(statement, ast.Raise | ast.Import | ast.ImportFrom):
            yield from _within(statement, span or lines, inside)


def _headers(statement: ast.stmt) -> list[ast.expr]:
    """The expressions before the block of a compound statement."""
    if isinstance(statement, ast.If | ast.While):
        return [statement.test]
    if isinstance(statement, ast.For):
        return [statement.iter]
    return [item.context_expr for item in getattr(statement, "items", [])]


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(statement, name, [])
    for handler in getattr(statement, "handlers", []):
        yield handler.body


def _within(node: ast.AST, span: Span, inside: str) -> Iterator[_Change]:
    """The changes of a statement or an expression, the outer ones first."""
    if isinstance(node, ast.expr | ast.stmt):
        yield from (_Change(node, instead, span, inside) for instead in _instead(node))
    tests = [node.test] if isinstance(node, ast.IfExp) else getattr(node, "ifs", [])
    for test in tests:
        yield from _negation(test, span, inside)
    for name, value in ast.iter_fields(node):
        strict = isinstance(node, ast.keyword) and node.arg == "strict"
        if name not in ("annotation", "format_spec") and not strict:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _within(child, span, inside)


def _negation(test: ast.expr, span: Span, inside: str) -> Iterator[_Change]:
    """A condition turned around, unless another change of it says the same."""
    same = isinstance(test, ast.UnaryOp) or (
        isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], NEGATED)
    )
    if not same:
        yield _Change(test, ast.UnaryOp(ast.Not(), test), span, inside)


def _instead(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in a node's place."""
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            ops = [*node.ops[:index], SWAPS[type(op)](), *node.ops[index + 1 :]]
            yield _with(node, ops=ops)
    elif isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp):
        if type(node.op) in SWAPS and not _joins_texts(node):
            yield _with(node, op=SWAPS[type(node.op)]())
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Return):
        if node.value is not None and not _is_none(node.value):
            yield _with(node, value=ast.Constant(None))
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, int | float):
            yield from (ast.Constant(node.value + 1), ast.Constant(node.value - 1))
    elif isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg not in (None, "strict"):
                yield _with(node, keywords=[k for k in node.keywords if k is not keyword])
    elif isinstance(node, ast.Name) and node.id in OPPOSITES:
        yield _with(node, id=OPPOSITES[node.id])
    if isinstance(node, ast.Attribute) and node.attr in OPPOSITES:
        yield _with(node, attr=OPPOSITES[node.attr])


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _joins_texts(node: ast.AST) -> bool:
    """Whether a sum joins texts or lists: turned around it is an error of types, not a mutant."""
    sides = [getattr(node, name, None) for name in ("left", "right", "value")]
    return isinstance(getattr(node, "op", None), ast.Add) and any(
        isinstance(side, ast.JoinedStr | ast.List | ast.ListComp)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in sides
    )
