"""Every kind of claim with every verdict it can come to, and files that are wrong."""

from __future__ import annotations

import pytest

from analysis.claims import check_file
from sql.errors import UserError

HEAD = """
[document]
title = "a paper"
[totals]
n = 86
right = "28"
accuracy = "32.6%"
gained = "4"
lost = "2"
impossible = "32.0%"
nothing_there = ""
[tables.curve]
columns = ["dose", "accuracy"]
rows = [["0", "32.6%"], ["1", "34.9%"], ["2", "26.7%"]]
derived.right = "whole(accuracy, n)"
[values]
test = "mcnemar(4, 2)"
"""


def verdict(tmp_path, claim):
    """The one verdict of a file with one claim."""
    path = tmp_path / "claims.toml"
    path.write_text(f'{HEAD}\n[[claim]]\nid = "it"\ntext = "something"\n{claim}\n')
    (found,) = check_file(path)
    return found


@pytest.mark.parametrize(
    ("claim", "expected", "recomputed"),
    [
        ('kind="value"\nprinted="{accuracy}"\nexpr="right / n"', "PASS", "32.6%"),
        ('kind="value"\nprinted="34.0%"\nexpr="right / n"', "VALUE-DRIFT", "32.6%"),
        ('kind="value"\nprinted="-3.0 pts"\nexpr="(30 - right) / n"', "DECISION-DRIFT", "2.3 pts"),
        ('kind="value"\nprinted=">50%"\nexpr="right / n"', "DECISION-DRIFT", "32.56%"),
        ('kind="value"\nprinted="3"\nexpr="whole(impossible, n)"', "FAIL", ""),
        ('kind="count"\nprinted="28"\nexpr="right"', "PASS", "28"),
        ('kind="count"\nprinted="3"\nexpr="curve.right"', "PASS", "3"),
        ('kind="count"\nprinted="20"\nexpr="right"', "VALUE-DRIFT", "28"),
        ('kind="count"\nprinted="20"\nexpr="right / 3"', "FAIL", ""),
        ('kind="p"\nprinted="p=0.45"\nexpr="test.p"', "PASS", "p=0.45"),
        ('kind="p"\nprinted="p<0.05"\nexpr="test.p"', "DECISION-DRIFT", "p = 0.4531"),
        ('kind="p"\nprinted="p = .40"\nexpr="test.p"', "VALUE-DRIFT", "p = .45"),
        ('kind="p"\nprinted="p = .012"\nexpr="0.00001"', "VALUE-DRIFT", "p < .001"),
        ('kind="p"\nprinted="p<0.01"\nexpr="0.02"', "VALUE-DRIFT", "p = 0.02"),
        ('kind="p"\nprinted="p>0.05"\nexpr="0.02"', "DECISION-DRIFT", "p = 0.02"),
        ('kind="p"\nprinted="p=1.4"\nexpr="0.4"', "FAIL", ""),
        ('kind="p"\nprinted="p=-0.4"\nexpr="0.4"', "FAIL", ""),
        ('kind="p"\nprinted="p<0"\nexpr="0.4"', "FAIL", ""),
        ('kind="p"\nprinted="p>1"\nexpr="0.4"', "FAIL", ""),
        ('kind="p"\nprinted="p=.000"\nexpr="0.0004"', "PASS", "p=.000"),
        (
            'kind="interval"\nprinted="[-4.2, 9.4] pts"\nexpr="(-0.0415203, 0.0942848)"',
            "PASS",
            "[-4.2 pts, 9.4 pts]",
        ),
        ('kind="interval"\nprinted="[1, 9]"\nexpr="(2, 9)"', "VALUE-DRIFT", "[2, 9]"),
        ('kind="interval"\nprinted="[1, 9]"\nexpr="(-1, 9)"', "DECISION-DRIFT", "[-1, 9]"),
        ('kind="interval"\nprinted="[9, 1]"\nexpr="(1, 9)"', "FAIL", ""),
        ('kind="decision"\nexpr="test.p < level"', "UNSUPPORTED", "0.4531"),
        ('kind="decision"\nsays=false\nexpr="0.04 < level"', "DECISION-DRIFT", "0.04"),
        ('kind="decision"\nexpr="right > 30"', "DECISION-DRIFT", "28"),
        ('kind="decision"\nsays=false\nexpr="test.p < level"', "PASS", "0.4531"),
        ('kind="order"\nexpr="(3, 2, 1)"', "PASS", "3, 2, 1"),
        ('kind="order"\nexpr="(3, 3, 1)"', "DECISION-DRIFT", "3, 3, 1"),
        ('kind="monotonicity"\nexpr="(3, 3, 1)"', "PASS", "3, 3, 1"),
        ('kind="monotonicity"\nstrict=true\nexpr="(3, 3, 1)"', "DECISION-DRIFT", "3, 3, 1"),
        ('kind="monotonicity"\nexpr="curve.right"', "DECISION-DRIFT", "28, 30, 23"),
        ('kind="monotonicity"\nsays=false\nexpr="curve.right"', "PASS", "28, 30, 23"),
        ('kind="monotonicity"\nsays=false\nexpr="(3, 2)"', "DECISION-DRIFT", "3, 2"),
        (
            'kind="monotonicity"\ndirection="increasing"\nexpr="(1, 2)"',
            "PASS",
            "1, 2",
        ),
        (
            'kind="equivalence"\nmargin=0.10\nexpr="equivalence(4, 2, n, margin=margin).p < level"',
            "PASS",
            "0.01",
        ),
        (
            'kind="equivalence"\nmargin=0.02\nexpr="equivalence(4, 2, n, margin=margin).p < level"',
            "UNSUPPORTED",
            "0.5",
        ),
        (
            'kind="equivalence"\nmargin=0.02\nexpr="equivalence(1, 30, n, margin=margin).shown"',
            "DECISION-DRIFT",
            "does not hold",
        ),
        ('kind="setting"\nprinted="3"\nexpr="len(curve.dose)"', "PASS", "3"),
        ('kind="setting"\nprinted="4"\nexpr="len(curve.dose)"', "FAIL", "3"),
        ('kind="setting"\nprinted="layer 6"\nexpr="\'final\'"', "FAIL", "final"),
        ('kind="setting"\nprinted="final"\nexpr="\'final\'"', "PASS", "final"),
        ('kind="absence"\nexpr="count(curve.right > 40)"', "PASS", "none"),
        ('kind="absence"\nexpr="count(curve.right > 29)"', "FAIL", "1"),
    ],
)
def test_verdicts(tmp_path, claim, expected, recomputed):
    found = verdict(tmp_path, claim)
    assert (found.verdict, found.recomputed[: len(recomputed) or None]) == (expected, recomputed)
    assert found.reason


MARGINS = 'margins = { n = "n", before = "right", after = "17" }'


@pytest.mark.parametrize(
    ("claim", "expected", "reason"),
    [
        ('kind="decision"\nexpr="sign_test(gained, lost).p < level"', "UNDETERMINED", "most 7"),
        ('kind="decision"\nexpr="gained < lost"', "PASS", "every table"),
        ('kind="decision"\nexpr="gained > lost"', "DECISION-DRIFT", "no table"),
        ('kind="decision"\nexpr="gained - lost > 0 and level > 0"', "UNSUPPORTED", "no table"),
        ('kind="p"\nprinted="p<0.05"\nexpr="sign_test(gained, lost).p"', "UNDETERMINED", "most 7"),
        ('kind="value"\nprinted="-12.8 pts"\nexpr="(gained - lost) / n"', "PASS", "every"),
        ('kind="value"\nprinted="-9.3 pts"\nexpr="(gained - lost) / n"', "VALUE-DRIFT", "no table"),
    ],
)
def test_open_totals_are_enumerated(tmp_path, claim, expected, reason):
    found = verdict(tmp_path, f"{claim}\n{MARGINS}")
    assert found.verdict == expected
    assert reason in found.reason


def test_totals_that_contradict_each_other_fail(tmp_path):
    margins = 'margins = { n = "n", before = "right", after = "17", net = "-8" }'
    found = verdict(tmp_path, f'kind="decision"\nexpr="gained < lost"\n{margins}')
    assert (found.verdict, found.reason) == ("FAIL", "no 2x2 table fits the printed totals")


def test_a_claim_holds_if_one_of_its_readings_does(tmp_path):
    readings = '[claim.readings]\n"ddof 1" = "1.143"\n"ddof 0" = "1.278"'
    found = verdict(tmp_path, f'kind="value"\nprinted="1.3"\n{readings}')
    assert (found.verdict, found.recomputed) == ("PASS", "1.3")
    assert "ddof 1: prints 1.1" in found.reason


def test_one_claim_for_each_row(tmp_path):
    path = tmp_path / "claims.toml"
    claim = 'id="acc[{dose}]"\nkind="value"\neach="curve"\ntext="at {dose}"\n'
    path.write_text(f'{HEAD}\n[[claim]]\n{claim}printed="{{accuracy}}"\nexpr="right / n"')
    found = check_file(path)
    assert [c.id for c in found] == ["acc[0]", "acc[1]", "acc[2]"]
    assert {c.verdict for c in found} == {"PASS"}


def test_an_impossible_cell_fails_its_own_row_only(tmp_path):
    path = tmp_path / "claims.toml"
    claim = 'id="acc[{dose}]"\nkind="value"\neach="curve"\ntext="at {dose}"\n'
    text = f'{HEAD}\n[[claim]]\n{claim}printed="{{accuracy}}"\nexpr="right / n"\nnote="{{right}}"'
    path.write_text(text.replace('"34.9%"', '"34.0%"'))
    assert [c.verdict for c in check_file(path)] == ["PASS", "FAIL", "PASS"]


GOOD = 'id="it"\nkind="value"\ntext="t"\nprinted="1"\nexpr="1"'


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        (GOOD.replace('"value"', '"valu"'), "claim 'it': key 'kind'"),
        (f"{GOOD}\ncolour=3", "claim 'it': key 'colour': is not a key"),
        (GOOD.replace('expr="1"', ""), "claim 'it'.*bound to nothing"),
        (GOOD.replace('printed="1"', ""), "claim 'it'.*needs `printed`"),
        (GOOD.replace('expr="1"', 'expr="1 +"'), "claim 'it': key 'expr'"),
        (GOOD.replace('expr="1"', 'expr="open(1)"'), "'open' is not a function of claims"),
        (GOOD.replace('expr="1"', 'expr="nothing + 1"'), "claim 'it': key 'expr': undefined: noth"),
        (GOOD.replace('id="it"', ""), "claim number 1 .without an id.: key 'id'"),
        (f"{GOOD}\n[[claim]]\n{GOOD}", "claim ids are used twice: it"),
        (f'{GOOD}\neach="table"', "claim 'it': key 'each': there is no table 'table'"),
        (GOOD.replace('"value"', '"equivalence"'), "claim 'it'.*margin"),
        (f'{GOOD}\nmargins={{ n = "n" }}', "claim 'it': key 'margins'"),
        (GOOD.replace('"t"', '"{nothing}"'), "claim 'it'.*'nothing' is not defined"),
        (GOOD.replace('printed="1"', "printed=0.30"), "claim 'it': key 'printed.*as text"),
        (
            GOOD.replace('expr="1"', "expr=\"curve['9'].right\""),
            "'it': there is no '9'; there are 0, 1",
        ),
        (GOOD.replace('expr="1"', 'expr="test.colour"'), "claim 'it': PairTest has no field"),
        (GOOD.replace('expr="1"', 'expr="mcnemar(4)"'), r"'it': .*it is called as mcnemar\(gained"),
        (GOOD.replace('expr="1"', 'expr="1 / (n - 86)"'), "claim 'it': .*division by zero"),
        (GOOD.replace('expr="1"', 'expr="1 + nothing_there"'), "claim 'it': arithmetic needs numb"),
        (GOOD.replace('expr="1"', 'expr="test"'), "claim 'it': needs a number"),
        (GOOD.replace('expr="1"', 'expr="mcnemar(-4, 2).p"'), "claim 'it'.*gained"),
        (GOOD.replace('expr="1"', "expr=\"p_of_z(2, tail='left')\""), "'it': the tail is"),
        (GOOD.replace('"1"\nexpr', '"baseline"\nexpr'), "'it': key 'printed': 'baseline' is not"),
        (GOOD.replace('printed="1"', 'printed=""'), "'it': key 'printed': '' is not a printed"),
        (f'{GOOD}\nlevel="5 %"', "claim 'it': key 'level': needs a fraction.*found '5 %'"),
        (f"{GOOD}\nlevel=1.5", "claim 'it': key 'level': needs a number between 0 and 1"),
        (f'{GOOD}\nlevel="right"', "claim 'it': key 'level': needs a number between 0 and 1"),
        (f'{GOOD}\nmargin="1 pts"', "claim 'it': key 'margin': needs a fraction"),
        (GOOD.replace("value", "p").replace('expr="1"', 'expr="2"'), "'it': a p-value lies in"),
        (
            GOOD.replace('"value"', '"interval"').replace("1", "[1, 2]", 1),
            "'it': key 'printed'|an int",
        ),
        (GOOD.replace('"value"', '"decision"'), "claim 'it': needs true or false"),
        (GOOD.replace('"value"', '"order"'), "claim 'it': needs a list of at least two"),
        (
            f'{GOOD}\nmargins={{ n="n", before="0.3", after="1" }}',
            "'it': key 'margins.before': '0.3'",
        ),
        ("id=3", "claim number 1 .without an id.|claim 3"),
    ],
)
def test_errors_name_the_claim_and_the_key(tmp_path, claims, says):
    path = tmp_path / "claims.toml"
    path.write_text(f"{HEAD}\n[[claim]]\n{claims}\n")
    with pytest.raises(UserError, match=says) as error:
        check_file(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[document", "is not TOML"),
        ("x = 1", "'document'"),
        ('[document]\ntitle="t"\n[values]\na="b + 1"', "key 'values.a': undefined: b"),
        ('[document]\ntitle="t"\n[values]\na="1"', None),
        ('[document]\ntitle="t"\n[totals]\na=1\n[values]\na="1"', "defined twice: a"),
        ('[document]\ntitle="t"\n[tables.t]\ncolumns=["a"]\nrows=[[1, 2]]', "tables.t"),
        ('[document]\ntitle="t"\n[tables.t]\ncolumns=["a"]\nrows=[[1], [1]]', "repeats"),
    ],
)
def test_files_that_are_wrong(tmp_path, text, says):
    path = tmp_path / "claims.toml"
    path.write_text(text)
    if says is None:
        assert check_file(path) == []
        return
    with pytest.raises(UserError, match=says):
        check_file(path)


def test_a_value_defined_by_itself_is_an_error(tmp_path):
    path = tmp_path / "claims.toml"
    claim = GOOD.replace('expr="1"', 'expr="a"')
    path.write_text(f'[document]\ntitle="t"\n[values]\na="b + 1"\nb="a + 1"\n[[claim]]\n{claim}\n')
    with pytest.raises(UserError, match="claim 'it': 'a' is defined by itself"):
        check_file(path)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        check_file(tmp_path / "nowhere.toml")
