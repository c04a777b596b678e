"""Not shown is not otherwise: which decisions rest on a test, and what would be their contrary.

A test that does not reject has not shown that there is nothing. So a document that claims a
significance, a superiority or an equivalence which the data do not show is unsupported; it is
contradicted only where the data show the contrary.
"""

from __future__ import annotations

import ast
import re

from analysis.claims.expression import parse
from analysis.claims.schema import Claim

_TESTED = re.compile(r"p|p_\w+|e|shown|(?:\w+_)?(?:low|high)(?:_\w+)?")
_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
}
_FLIPPED: dict[type[ast.cmpop], str] = {ast.Gt: "<", ast.GtE: "<", ast.Lt: ">", ast.LtE: ">"}


def rests_on_a_test(claim: Claim, expression: str) -> bool:
    """Whether a sentence says what a test or an interval shows, rather than describing the data."""
    if claim.kind == "equivalence":
        return True
    if claim.result is not None and _TESTED.fullmatch(claim.result.field):
        return True
    for node in ast.walk(parse(expression)):
        if isinstance(node, ast.Name) and node.id in ("level", "margin"):
            return True
        if isinstance(node, ast.Attribute) and _TESTED.fullmatch(node.attr):
            return True
        if isinstance(node, ast.Name) and node.id.startswith("p_of_"):
            return True
    return False


def contrary(claim: Claim, expression: str) -> str | None:
    """The expression that is true where the data show the contrary; None where none can be said.

    A claim may give its own. For an equivalence it is an interval that lies beyond the margin, for
    an interval on one side of a value its lying on the other, and for a one-sided test that the
    test of the other side rejects.
    """
    if claim.contrary is not None:
        return claim.contrary
    tree = parse(expression)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "equivalence":
            call = ast.unparse(node)
            return f"{call}.low > {call}.margin or {call}.high < -{call}.margin"
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return None
    left, right, op = tree.left, tree.comparators[0], type(tree.ops[0])
    if not isinstance(left, ast.Attribute) and isinstance(right, ast.Attribute):
        left, right, op = right, left, _TURNED.get(op, op)  # 0 < x.low is x.low > 0
    if not isinstance(left, ast.Attribute):
        return None
    tested, call = left.value, ast.unparse(left.value)
    if left.attr in ("low", "high"):
        other = "high" if left.attr == "low" else "low"
        sign = _FLIPPED.get(op)
        return sign and f"{call}.{other} {sign} {ast.unparse(right)}"
    if isinstance(tested, ast.Call) and _one_sided(tested) and left.attr.startswith("p"):
        return f"{ast.unparse(left)} >= 1 - ({ast.unparse(right)})"
    return None


def _one_sided(call: ast.Call) -> bool:
    return any(
        keyword.arg == "tail"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value in ("greater", "less")
        for keyword in call.keywords
    )
