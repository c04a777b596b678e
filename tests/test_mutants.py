"""The small changes that `make mutation` makes: what is changed, and what is left alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks import mutation
from benchmarks.mutants import mutants_of, mutated
from tests.paths import ROOT


def changes(source: str) -> list[tuple[str, str]]:
    return [(mutant.was, mutant.became) for mutant in mutants_of("file.py", source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", [("a < b", "a <= b")]),
        ("a < b >= c", [("a < b >= c", "a <= b >= c"), ("a < b >= c", "a < b > c")]),
        ("a in b", [("a in b", "a not in b")]),
        ("a - b", [("a - b", "a + b")]),
        ("a += b", [("a += b", "a -= b")]),
        ("a and b", [("a and b", "a or b")]),
        ("~a", [("~a", "a")]),
        ("a = 2", [("2", "3"), ("2", "1")]),
        ("a = True", [("True", "False")]),
        ("f(x, b=c, **d)", [("f(..., b=c)", "left out")]),
        ("zip(a, b, strict=True)", []),
        ("min(a)", [("min", "max")]),
        ("np.argmax(a)", [("np.argmax", "np.argmin")]),
        ("b if a else c", [("a", "not a")]),
        ("[a for a in b if a]", [("a", "not a")]),
        ("if a < b: pass", [("a < b", "not a < b"), ("a < b", "a <= b")]),
        ("if a == b: pass", [("a == b", "a != b")]),
        ("def f(a=1): return a", [("1", "2"), ("1", "0"), ("return a", "return None")]),
        ("def f(): return None", []),
        ("'text' + a", []),
        ("a: Literal[1]", []),
        ("@cache(maxsize=1)\ndef f(): pass", []),
        ("raise Refusal(1 + 2)", []),
        ("f'{a:.1f}'", []),
    ],
)
def test_each_kind_of_change(source: str, expected: list[tuple[str, str]]) -> None:
    assert changes(source) == expected


def test_a_mutant_is_the_source_with_its_one_change() -> None:
    source = "a = b + c\nd = b + c\n"
    assert ast.unparse(mutated(source, 1)) == "a = b + c\nd = b - c"


def test_lines_that_must_run_are_those_of_the_statement_or_of_a_header() -> None:
    source = "a = 1\ndef f(b=2):\n    if b > (\n        3):\n        c = 4\n        return c\n"
    spans = {mutant.was: mutant.span for mutant in mutants_of("file.py", source)}
    assert spans["2"] == (3, 6)
    assert spans["3"] == (3, 4)
    assert spans["4"] == (5, 5)
    assert spans["1"][0] == 0 < 6 < spans["1"][1]


def test_survivors_judged_equivalent_are_still_mutants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert mutation.judged_equivalent()


@pytest.mark.parametrize(
    "row",
    [
        ("file.py", "b = 2", "2", "3"),
        ("gone.py", "a = 1", "1", "2"),
        ("file.py", "a = 1", "2", "3"),
        ("file.py", "a = 1", "1", "7"),
    ],
)
def test_a_row_that_fits_no_mutant_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file.py").write_text("# a line above\na = 1\n")
    rows = Path("equivalent.tsv")
    monkeypatch.setattr(mutation, "EQUIVALENT", rows)
    rows.write_text("file.py\ta = 1\t1\t2\twhy\n")
    assert mutation.judged_equivalent() == {("file.py", "a = 1", "1", "2")}
    with rows.open("a") as file:
        print(*row, "why", sep="\t", file=file)
    with pytest.raises(SystemExit, match="  ".join(row)):
        mutation.judged_equivalent()
