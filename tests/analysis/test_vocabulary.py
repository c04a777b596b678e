"""The closed words and their check."""

from __future__ import annotations

import pytest

from analysis.vocabulary import Operator, Tail, checked
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
