"""Every rule of a verdict: what is printed, the data or the rule changes, and so does the verdict.

Each case is a claim that passes and what becomes of it when one thing in it is changed.
"""

from __future__ import annotations

from typing import get_args

import pytest

from analysis.claims import check_file
from analysis.vocabulary import ClaimKind, ClaimVerdict

HEAD = """
[document]
title = "a paper"
[totals]
n = "1,319"
base = "45.0%"
up = "47.2%"
exact_up = "47.16%"
t = "3"
change = "+2.2 pts"
[tables.curve]
columns = ["dose", "accuracy"]
rows = [["0", "45.0%"], ["1", "46.1%"], ["2", "47.2%"]]
derived.right = "whole(accuracy, n)"
"""
EQUIVALENT = 'kind="equivalence"\nmargin=0.1\nexpr="equivalence(4, 2, 86, margin=margin).p < level"'
LESS = "compare_to_controls({}, (-1, -2, 1, 2, 0), tail='less').p < level"
MARGINS = 'margins={ n="86", before="28", after="17" }'

# kind of claim, the claim, and changes: old text, new text, verdict.
CASES = [
    (
        "value",
        'kind="value"\nprinted="+2.2 pts"\nexpr="(whole(up, n) - whole(base, n)) / n"',
        [
            ("+2.2 pts", "+2.4 pts", "VALUE-DRIFT"),  # no pair of counts prints so
            ("+2.2 pts", "+2.1 pts", "PASS"),  # another pair does
            ("+2.2 pts", "-2.2 pts", "DECISION-DRIFT"),  # the sign
            ("+2.2 pts", ">3 pts", "DECISION-DRIFT"),  # a bound
            ("whole(up, n)", "whole('49.0%', n)", "VALUE-DRIFT"),
            ("/ n", "/ (n / 2)", "VALUE-DRIFT"),
            ("whole(up, n)", "whole('20.3%', 86)", "FAIL"),  # GRIM
        ],
    ),
    (
        "value",
        'kind="value"\nprinted="+2.2 pts"\nexpr="up - base"',
        [
            ("+2.2 pts", "+2.3 pts", "PASS"),  # differences of rounded figures
            ("+2.2 pts", "+2.4 pts", "VALUE-DRIFT"),
            ("up - base", "exact(up) - exact(base) + 0.001", "VALUE-DRIFT"),
        ],
    ),
    (
        "count",
        'kind="count"\nprinted="622"\nexpr="whole(exact_up, n)"',
        [
            ("622", "621", "VALUE-DRIFT"),
            ("622", "621.5", "FAIL"),
            ("exact_up", "up", "UNDETERMINED"),  # 622 or 623
            ("whole(exact_up, n)", "exact(n) / 2", "FAIL"),
        ],
    ),
    (
        "p",
        'kind="p"\nprinted="p = .009"\nexpr="p_of_t(t, 10)"',
        [
            ("p = .009", "p = .032", "VALUE-DRIFT"),  # t = 3 stands for at most .0314
            ("p = .009", "p = .09", "DECISION-DRIFT"),
            ("p = .009", "p < .001", "VALUE-DRIFT"),
            ("p = .009", "p > .05", "DECISION-DRIFT"),
            ("p = .009", "p = 1.009", "FAIL"),
            ("p = .009", "p < 0", "FAIL"),
            ("p = .009", "p > 1", "FAIL"),
            ("p_of_t(t, 10)", "p_of_t(4, 10)", "VALUE-DRIFT"),
            ("p_of_t(t, 10)", "p_of_t(t, 10, tail='less')", "DECISION-DRIFT"),
            ("p_of_t(t, 10)", 'p_of_t(t, 10)"\nlevel="0.008', "PASS"),
        ],
    ),
    (
        "p",
        'kind="p"\nprinted="p = .04"\nexpr="0.044"',
        [
            ("0.044", "0.046", "VALUE-DRIFT"),
            ("0.044", "0.056", "DECISION-DRIFT"),
            ("0.044", '0.056"\nlevel="0.1', "VALUE-DRIFT"),  # the level decides
        ],
    ),
    (
        "interval",
        'kind="interval"\nprinted="[0.2, 4.2] pts"\nexpr="(0.002, 0.042)"',
        [
            ("[0.2,", "[0.3,", "VALUE-DRIFT"),
            ("4.2]", "4.3]", "VALUE-DRIFT"),
            ("(0.002", "(-0.002", "DECISION-DRIFT"),
            ('0.042)"', '0.045)"\nnull=0.043', "DECISION-DRIFT"),
            ("[0.2, 4.2]", "[4.2, 0.2]", "FAIL"),
        ],
    ),
    (
        "decision",
        'kind="decision"\nexpr="whole(up, n) > whole(base, n)"',
        [
            ("base", "curve['2'].accuracy", "UNDETERMINED"),  # each of two counts
            (">", "<", "DECISION-DRIFT"),
            ('n)"', 'n)"\nsays=false', "DECISION-DRIFT"),
            ("whole(base, n)", "whole('49.0%', n)", "DECISION-DRIFT"),
        ],
    ),
    (
        "decision",
        'kind="decision"\nexpr="mcnemar(1, 12).p < level"',
        [
            ("(1, 12)", "(5, 12)", "UNSUPPORTED"),  # not shown is not otherwise
            ("(1, 12)", "(0, 0)", "UNSUPPORTED"),
            ('level"', 'level"\nlevel=0.001', "UNSUPPORTED"),
            ('level"', 'level"\nsays=false', "DECISION-DRIFT"),
            ("(1, 12).p < level", "(5, 12).p < level and 5 > 12", "UNSUPPORTED"),
            ('(1, 12).p < level"', '(12, 12).p < level"\ncontrary="1 < 2"', "DECISION-DRIFT"),
            ("mcnemar(1, 12).p", "p_of_z(2.0)", "UNDETERMINED"),  # 1.95 to 2.05
        ],
    ),
    (
        "decision",
        'kind="decision"\nexpr="paired_difference(12, 1, 86).low > 0"',
        [
            ("(12, 1,", "(7, 5,", "UNSUPPORTED"),
            ("(12, 1,", "(1, 12,", "DECISION-DRIFT"),  # the interval lies on the other side
            ("> 0", "> 0.1", "UNSUPPORTED"),
        ],
    ),
    (
        "decision",
        f'kind="decision"\nexpr="{LESS.format(-9)}"',
        [("(-9", "(-1", "UNSUPPORTED"), ("(-9", "(9", "DECISION-DRIFT")],
    ),
    (
        "decision",
        f'kind="decision"\nexpr="mcnemar(gained, lost).p < level"\n{MARGINS}\nlevel=0.2',
        [
            ("level=0.2", "level=0.05", "UNDETERMINED"),
            ('after="17"', 'after="27"', "UNSUPPORTED"),
            ("mcnemar(gained, lost).p < level", "gained > lost", "DECISION-DRIFT"),
            ('after="17"', 'after="17", net="-8"', "FAIL"),
        ],
    ),
    (
        "equivalence",
        EQUIVALENT,
        [
            ("margin=0.1", "margin=0.02", "UNSUPPORTED"),
            ("(4, 2,", "(2, 40,", "DECISION-DRIFT"),  # beyond the margin
            ("(4, 2,", "(40, 2,", "DECISION-DRIFT"),
            ("(4, 2,", "(14, 2,", "UNSUPPORTED"),
            ('< level"', '< level"\nsays=false', "DECISION-DRIFT"),
        ],
    ),
    (
        "order",
        'kind="order"\nexpr="(3, 2, 1)"',
        [
            ("(3, 2, 1)", "(3, 3, 1)", "DECISION-DRIFT"),
            ("(3, 2, 1)", "(whole(up, n), whole(up, n) - 1)", "PASS"),
            ("(3, 2, 1)", "(up, curve['2'].accuracy)", "UNDETERMINED"),
            ("(3, 2, 1)", "(curve.right)", "DECISION-DRIFT"),
            ('1)"', '1)"\ndirection="increasing"', "DECISION-DRIFT"),
        ],
    ),
    (
        "monotonicity",
        'kind="monotonicity"\ndirection="increasing"\nexpr="curve.accuracy"',
        [
            ("curve.accuracy", "(base, up, curve['1'].accuracy)", "DECISION-DRIFT"),
            ("curve.accuracy", "(base, curve['0'].accuracy, up)", "UNDETERMINED"),
            ("increasing", "decreasing", "DECISION-DRIFT"),
            ('curve.accuracy"', '(1, 1, 2)"\nstrict=true', "DECISION-DRIFT"),
            ('curve.accuracy"', 'curve.accuracy"\nsays=false', "DECISION-DRIFT"),
        ],
    ),
    (
        "setting",
        'kind="setting"\nprinted="3"\nexpr="len(curve.dose)"',
        [
            ('"3"', '"4"', "FAIL"),
            ("len(curve.dose)", "'three'", "FAIL"),
            ("len(curve.dose)", "key_of_largest(curve.right, curve.dose)", "FAIL"),
        ],
    ),
    (
        "absence",
        'kind="absence"\nexpr="count(curve.right > 630)"',
        [
            ("630", "600", "FAIL"),
            ("curve.right > 630", "curve.accuracy > 0.472", "UNDETERMINED"),
        ],
    ),
]


def verdict(path, claim):
    path.write_text(f'{HEAD}\n[[claim]]\nid = "it"\ntext = "something"\n{claim}\n')
    (found,) = check_file(path)
    assert found.reason
    return found.verdict


@pytest.mark.parametrize(("kind", "claim", "changes"), CASES)
def test_a_change_changes_the_verdict(tmp_path, kind, claim, changes):
    path = tmp_path / "claims.toml"
    assert f'kind="{kind}"' in claim
    assert verdict(path, claim) == "PASS"
    for old, new, expected in changes:
        assert old in claim
        assert verdict(path, claim.replace(old, new)) == expected, (old, new)


def test_every_kind_and_every_verdict_has_a_change():
    assert {kind for kind, _, _ in CASES} == set(get_args(ClaimKind))
    verdicts = {expected for _, _, changes in CASES for _, _, expected in changes}
    # What a frozen plan named is in test_claims_store.py.
    assert verdicts | {"DEVIATED"} == set(get_args(ClaimVerdict))
