"""A tiny, safe language for what a claim is recomputed from.

`100 * right / n`, `mcnemar(gained, lost).p < level`, `curve.right`: arithmetic, comparisons, names
and calls of an allow-list. There is no way to reach Python from here: no attribute that starts
with an underscore, no call of anything but a listed function, no loop, no assignment.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from analysis.claims.errors import ExpressionError, ImpossibleError, NoEvidenceError
from analysis.claims.functions import (
    AS_PRINTED,
    CHOICES,
    FUNCTIONS,
    STATISTIC_FIRST,
    field_names,
    signature_of,
)
from analysis.claims.printed import Figure, parse_figure
from analysis.claims.readings import PRINTED, Reading
from sql.errors import first_line

LONGEST = 2000
LARGEST_POWER = 64

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class Record(Mapping[str, Any]):
    """A row or a table of values, whose fields expressions reach with a dot or brackets.

    A field may be a `Deferred`: it is computed when it is asked for.
    """

    def __init__(self, fields: Mapping[str, Any], rows: Mapping[str, Any] | None = None) -> None:
        self._fields = dict(fields)
        self._rows = dict(rows or {})
        self._underway: set[str] = set()

    def defer(self, name: str, compute: Callable[[], Any]) -> None:
        """Add a field that is computed when it is asked for."""
        self._fields[name] = Deferred(compute)

    @property
    def names(self) -> list[str]:
        """What brackets can select: rows of a table, else its columns."""
        return [*(self._rows or self._fields)]

    def __getitem__(self, name: str) -> Any:
        value = (self._rows if name in self._rows else self._fields)[name]
        if isinstance(value, Deferred):
            if name in self._underway:
                raise ExpressionError(f"{name!r} is defined by itself")
            self._underway.add(name)
            try:
                value = self._fields[name] = value.compute()
            finally:
                self._underway.discard(name)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._rows or name in self._fields

    def __iter__(self) -> Any:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


@dataclasses.dataclass(frozen=True)
class Deferred:
    """A field that is computed when it is asked for.

    Attributes:
        compute: gives its value.
    """

    compute: Callable[[], Any]


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> ast.expr:
    """Read an expression, refusing whatever is not in the language.

    Raises:
        ExpressionError: a syntax error, a construct outside the language or an unlisted function.
    """
    if len(text) > LONGEST:
        raise ExpressionError(f"the expression is longer than {LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ExpressionError(f"{text!r} is not an expression: {first_line(error)}") from None
    for node in ast.walk(tree):
        _allow(node)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in STATISTIC_FIRST:
            _keep_digits(node, text.strip())
    return tree


def _keep_digits(call: ast.Call, text: str) -> None:
    """A printed statistic that is typed into an expression keeps its last zero: `p_of_z(2.0)`."""
    for number, argument in enumerate(call.args[:1]):
        operand = argument.operand if isinstance(argument, ast.UnaryOp) else argument
        value = operand.value if isinstance(operand, ast.Constant) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            source = ast.get_source_segment(text, argument) or str(value)
            figure = parse_figure(source.replace("_", ""))
            figure.key = f"{source} at {argument.col_offset}"
            call.args[number] = ast.Constant(figure)


def names_in(text: str) -> set[str]:
    """Names that an expression takes from its surroundings."""
    tree = parse(text)
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - set(FUNCTIONS)


def evaluate(text: str, lookup: Callable[[str], Any], reading: Reading = PRINTED) -> Any:
    """Compute an expression.

    Args:
        text: the expression.
        lookup: gives the value of a name; raises KeyError for one it does not know.
        reading: what printed figures stand for; by default for what is printed.

    Raises:
        ExpressionError: a name is unknown, a call fails or the arithmetic is impossible.
        ImpossibleError: a printed figure cannot be.
        NoEvidenceError: a statistic is undefined for these data.
    """
    tree = parse(text)
    try:
        return _value(tree, lookup, reading)
    except (ExpressionError, ImpossibleError, NoEvidenceError):
        raise
    except KeyError as error:
        raise ExpressionError(f"{error.args[0]!r} is not defined (in {text!r})") from None
    except (ValueError, TypeError, ArithmeticError, IndexError, AttributeError) as error:
        raise ExpressionError(f"{error} (in {text!r})") from None


_ALLOWED = (
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.Call,
    ast.keyword,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.IfExp,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
    ast.expr_context,
)


def _allow(node: ast.AST) -> None:
    if not isinstance(node, _ALLOWED):
        raise ExpressionError(f"{type(node).__name__} is not part of the language of claims")
    if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
        raise ExpressionError(f"{node.attr!r} is not a field")
    if isinstance(node, ast.Call) and not (
        isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS
    ):
        raise ExpressionError(
            f"{ast.unparse(node.func)!r} is not a function of claims; "
            f"there are {', '.join(sorted(FUNCTIONS))}"
        )


def _value(node: ast.expr, lookup: Callable[[str], Any], reading: Reading) -> Any:
    """The value of one node; `_allow` has already refused every node not listed here."""

    def of(child: ast.expr) -> Any:
        """The value of a part, as printed."""
        return _value(child, lookup, reading)

    def number(child: ast.expr) -> Any:
        """The value of a part, a figure standing for what the reading takes it for."""
        return reading.settle(of(child))

    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return lookup(name)
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return tuple(of(item) for item in items)
        case ast.BinOp(left=left, op=op, right=right):
            return _elementwise(_arithmetic(op), number(left), number(right))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not of(operand)
        case ast.UnaryOp(op=op, operand=operand):
            sign = -1 if isinstance(op, ast.USub) else 1
            return _elementwise(operator.mul, sign, number(operand))
        case ast.BoolOp(op=ast.And(), values=values):
            return all(of(value) for value in values)
        case ast.BoolOp(values=values):
            return any(of(value) for value in values)
        case ast.Compare(left=left, ops=ops, comparators=others):
            return _compare(number(left), ops, [number(other) for other in others])
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return of(body) if of(test) else of(orelse)
        case ast.Attribute(value=owner, attr=name):
            return _field(of(owner), name)
        case ast.Subscript(value=owner, slice=index):
            return _item(of(owner), of(index))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            options = {str(k.arg): number(k.value) for k in keywords if k.arg is not None}
            return _call(name, [of(arg) for arg in args], options, reading)
    raise ExpressionError(f"{ast.unparse(node)!r} is not part of the language of claims")


def _call(name: str, args: list[Any], options: dict[str, Any], reading: Reading) -> Any:
    """A listed function on what the figures among its arguments stand for."""
    kept = AS_PRINTED.get(name, ())
    settled = [
        arg
        if place in kept
        else reading.settle(arg, statistic=place == 0 and name in STATISTIC_FIRST)
        for place, arg in enumerate(args)
    ]
    try:
        result = FUNCTIONS[name](*settled, **options)
    except TypeError as error:
        raise ExpressionError(f"{error}; it is called as {signature_of(name)}") from None
    if name not in CHOICES:
        return result
    return reading.pick(f"{name} of {getattr(args[0], 'key', args[0])}", settled[0], result)


def _arithmetic(op: ast.operator) -> Callable[[Any, Any], Any]:
    if type(op) not in _ARITHMETIC:
        raise ExpressionError(f"the operator {type(op).__name__} is not part of the language")

    def checked(left: Any, right: Any) -> Any:
        """The operation on two numbers, its power bounded."""
        if not all(isinstance(x, int | float) for x in (left, right)):
            raise TypeError(f"arithmetic needs numbers, found {left!r} and {right!r}")
        if isinstance(op, ast.Pow) and abs(right) > LARGEST_POWER:
            raise ValueError(f"powers beyond {LARGEST_POWER} are refused")
        return _ARITHMETIC[type(op)](left, right)

    return checked


def _elementwise(function: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if not isinstance(left, tuple) and not isinstance(right, tuple):
        return function(left, right)
    size = len(left if isinstance(left, tuple) else right)
    lefts = left if isinstance(left, tuple) else (left,) * size
    rights = right if isinstance(right, tuple) else (right,) * size
    return tuple(function(a, b) for a, b in zip(lefts, rights, strict=True))


def _compare(left: Any, ops: list[ast.cmpop], others: list[Any]) -> Any:
    truth: Any = True
    for op, right in zip(ops, others, strict=True):
        if type(op) not in _COMPARISONS:
            raise ExpressionError(f"{type(op).__name__} is not part of the language of claims")
        holds = _elementwise(_COMPARISONS[type(op)], left, right)
        truth = holds if truth is True else _elementwise(lambda a, b: a and b, truth, holds)
        left = right
    return truth


def _field(owner: Any, name: str) -> Any:
    """A column of a table, a field of a row, or a field of a result of a statistic."""
    if isinstance(owner, Record):
        if name not in owner:
            raise ExpressionError(f"there is no {name!r}; there are {', '.join(owner)}")
        return owner[name]
    names = field_names(owner) if dataclasses.is_dataclass(owner) else {}
    if name not in names:
        raise ExpressionError(f"{type(owner).__name__} has no field {name!r}")
    return _json_value(getattr(owner, names[name]))


def _item(owner: Any, index: Any) -> Any:
    if isinstance(owner, Record) and isinstance(index, str | Figure):
        name = index.text if isinstance(index, Figure) else index
        if name not in owner.names:
            raise ExpressionError(f"there is no {name!r}; there are {', '.join(owner.names)}")
        return owner[name]
    if isinstance(owner, tuple) and isinstance(index, int):
        return owner[index]
    raise ExpressionError(f"{index!r} does not select from {type(owner).__name__}")


def _json_value(value: Any) -> Any:
    """NumPy scalars and arrays as Python numbers, NaN as an error rather than a quiet False."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return tuple(_json_value(item) for item in value)
    if isinstance(value, float) and math.isnan(value):
        raise NoEvidenceError("the statistic is undefined for these data")
    return value
