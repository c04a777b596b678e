"""Claims keep the words that they were written with, whatever the library calls its options."""

from __future__ import annotations

import pytest

from analysis import controls_power, equivalence, mcnemar_power, wilson
from analysis.claims.errors import ExpressionError
from analysis.claims.expression import evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("wilson(9, 40, level=0.8).low", wilson(9, 40, confidence=0.8).low),
        ("wilson(9, 40, confidence=0.8).low", wilson(9, 40, confidence=0.8).low),
        ("wilson(9, 40, level=0.8).level", 0.8),
        ("wilson(9, 40, level=0.8).confidence", 0.8),
        (
            "mcnemar_power(50, effect=0.2, discordance=0.3, alpha=0.2).estimate",
            mcnemar_power(50, effect=0.2, discordance=0.3, significance=0.2).power,
        ),
        ("mcnemar_power(50, effect=0.2, discordance=0.3, significance=0.2).alpha", 0.2),
        (
            "equivalence(4, 2, 86, margin=0.1, alpha=0.2).low",
            equivalence(4, 2, 86, margin=0.1, significance=0.2).low,
        ),
        ("controls_power(9, model='random').estimate", controls_power(9, model="random").power),
        ("controls_power(9, model='random').power", controls_power(9, model="random").power),
        ("e_value(0, 8).estimate == e_value(0, 8).e", True),
        ("mcnemar(4, 2, selected_on_outcome=True).scope", "these problems only"),
        ("mcnemar(4, 2, selected_on_outcome=False).scope", "new problems"),
        ("mcnemar(4, 2, outcomes_per_problem=1).gained", 4),
    ],
)
def test_words_of_claims_and_of_the_library_reach_the_same(text: str, value: object) -> None:
    assert evaluate(text, lambda name: None) == value


def test_several_outcomes_per_problem_are_refused_in_a_claim() -> None:
    with pytest.raises(ExpressionError, match="clustered_difference"):
        evaluate("mcnemar(4, 2, outcomes_per_problem=8).p", lambda name: None)
