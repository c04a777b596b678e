"""The closed words and their check."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

import analysis
from analysis import claims, plans, tables, words
from analysis.vocabulary import Operator, Tail, all_checked, checked
from sql.errors import UserError


def test_a_known_word_comes_back() -> None:
    assert checked("less", Tail, "tail") == "less"


def test_an_unknown_word_is_refused_with_the_nearest_and_all() -> None:
    with pytest.raises(UserError, match="'claamp': did you mean clamp\\? there are add, norm_"):
        checked("claamp", Operator, "operator")
    with pytest.raises(UserError) as refusal:
        checked("up", Tail, "tail")
    assert str(refusal.value) == "unknown tail 'up': there are two-sided, greater, less"
    with pytest.raises(UserError, match="None"):
        checked(None, Tail, "tail")


def test_of_several_words_each_is_checked_and_none_is_refused() -> None:
    assert all_checked(["less", "greater"], Tail, "tail") == ["less", "greater"]
    with pytest.raises(UserError, match="unknown tail 'up'"):
        all_checked(["less", "up"], Tail, "tail")
    with pytest.raises(UserError) as refusal:
        all_checked([], Tail, "tail")
    assert str(refusal.value) == "no tail given: any of two-sided, greater, less"


@pytest.mark.parametrize("module", [analysis, claims, plans, tables, words])
def test_no_public_function_takes_a_level_without_saying_of_what(module: ModuleType) -> None:
    functions = [x for x in (getattr(module, name) for name in module.__all__) if callable(x)]
    assert functions
    for function in functions:
        if not inspect.isclass(function):
            assert "level" not in inspect.signature(function).parameters, function.__name__
