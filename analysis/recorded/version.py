"""Which code computed an analysis: a digest of what computes, and of nothing that only says so."""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from analysis.vocabulary import AnalysisFamily
from sql import loader

ANALYSIS = Path(__file__).parent.parent
# The tests, and the tables that apply them to a store. Words, charts and pages are of no account:
# an analysis is the same however it is shown.
COMPUTES = ("statistics", "tables")
# family: the module of its table, from whose imports all that it uses is found.
TABLES: dict[AnalysisFamily, str] = {
    "alphas": "tables.paired",
    "controls": "tables.comparisons",
    "ranks": "tables.beyond",
    "strata": "tables.difficulty",
    "curves": "tables.problems",
    "logprobs": "tables.logprob",
    "scores": "tables.scores",
}


@functools.cache
def code_version(family: AnalysisFamily | None = None) -> str:
    """The package's version and a digest of what computes a family (None: all of them).

    Other code of the family's table, of the statistics that it uses, of what is recorded of it,
    or of the views and macros that it reads, is another analysis.
    """
    try:
        release = version("steerstat")
    except PackageNotFoundError:
        release = "0"
    tables = [TABLES[family]] if family else list(TABLES.values())
    digest = hashlib.sha256(digest_of_code(ANALYSIS, tables).encode())
    digest.update(statements((ANALYSIS / "recorded" / "recording.py").read_text("utf-8")).encode())
    for script in [*loader.macros().values(), *loader.views().values()]:
        digest.update(loader.code(script.text).encode())
    return f"{release}+{digest.hexdigest()[:12]}"


def digest_of_code(folder: Path, modules: Iterable[str]) -> str:
    """sha256 of modules and all they import of `COMPUTES`, less comments, docstrings and layout."""
    digest = hashlib.sha256()
    for name in sorted(used_by(folder, modules)):
        digest.update(name.encode())
        digest.update(statements(_path(folder, name).read_text("utf-8")).encode())
    return digest.hexdigest()


def used_by(folder: Path, modules: Iterable[str]) -> set[str]:
    """The modules, and those of `COMPUTES` that they import, at whatever depth."""
    known: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in known:
            known.add(name)
            source = _path(folder, name).read_text("utf-8")
            waiting += [other for other in _imports(source) if _path(folder, other).is_file()]
    return known


def _imports(source: str) -> Iterator[str]:
    """Names of modules of `COMPUTES`, below the package, that a source may import."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            full = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in full:
                below = name.removeprefix("analysis.")
                if below != name and below.split(".")[0] in COMPUTES and "." in below:
                    yield below


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name.replace('.', '/')}.py"


def statements(source: str) -> str:
    """The code alone, in one layout: no comment, and no string that stands for itself."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                setattr(node, name, [statement for statement in block if not _is_text(statement)])
    return ast.unparse(tree)


def _is_text(node: ast.AST) -> bool:
    """Whether a statement is a string, as docstrings of modules, functions and constants are."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
