"""Which code computed an analysis: a digest of what computes, and of nothing that only says so."""

from __future__ import annotations

import ast
import functools
import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ANALYSIS = Path(__file__).parent.parent
# The tests, the tables that apply them to a store, and what is kept of them. Words, charts and
# pages are of no account: an analysis is the same however it is shown.
COMPUTES = ("statistics", "tables", "recorded")


@functools.cache
def code_version() -> str:
    """The package's version and a digest of what computes: other code, another analysis."""
    try:
        release = version("steerstat")
    except PackageNotFoundError:
        release = "0"
    return f"{release}+{digest_of_code(ANALYSIS)[:12]}"


def digest_of_code(folder: Path) -> str:
    """sha256 of the modules of `COMPUTES` in a folder, less comments, docstrings and layout."""
    digest = hashlib.sha256()
    for path in sorted(path for room in COMPUTES for path in (folder / room).rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(statements(path.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()


def statements(source: str) -> str:
    """The code alone, in one layout: no comment, and no string that stands for itself."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                setattr(node, name, [one for one in block if not _is_text(one)])
    return ast.unparse(tree)


def _is_text(node: ast.AST) -> bool:
    """Whether a statement is a string, as docstrings of modules, functions and constants are."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
