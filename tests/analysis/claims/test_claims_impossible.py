"""What cannot be is a FAIL or an error at once, and what is spelled otherwise is judged alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.claims import check_file
from analysis.claims.check import Checked
from sql.errors import UserError

HEAD = """
[document]
title = "T"
[totals]
n = "86"
base = "32.6%"
after = "34.9%"
[[claim]]
id = "x"
text = "t"
"""


def checked(folder: Path, **keys: str) -> Checked:
    path = folder / "claims.toml"
    body = "\n".join(f"{key} = {value!r}" for key, value in keys.items())
    path.write_text(HEAD + body, encoding="utf-8")
    return next(iter(check_file(path)))


@pytest.mark.parametrize(
    ("printed", "expr", "verdict"),
    [
        ("p = .013", "p_of_f(-2.4, 2, 30)", "FAIL"),
        ("p = .013", "p_of_chi2(-1)", "FAIL"),
        ("p = 1.00", "p_of_chi2(0.0)", "PASS"),  # stands for 0 to 0.05, and for nothing below 0
        ("p = .82", "p_of_chi2(0.0)", "PASS"),  # chi2.sf(.05, 1) = .823
        ("p = .80", "p_of_chi2(0.0)", "VALUE-DRIFT"),
    ],
)
def test_sums_of_squares_are_not_below_zero(
    tmp_path: Path, printed: str, expr: str, verdict: str
) -> None:
    assert checked(tmp_path, kind="p", printed=printed, expr=expr).verdict == verdict


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"kind": "p", "printed": "p = .01", "expr": "p_of_t(2.4, 0)"}, "degrees of freedom"),
        ({"kind": "p", "printed": "p = .01", "expr": "p_of_f(2.4, 1, -3)"}, "degrees of freedom"),
        # before this was refused it was tried, one count after the other
        ({"kind": "count", "printed": "1", "expr": "whole(base, 1000000000000)"}, "1,000,000"),
    ],
)
def test_what_no_document_says_is_an_error_of_the_file(
    tmp_path: Path, keys: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        checked(tmp_path, **keys)


def test_margins_of_more_problems_than_can_be_tried_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(
        HEAD + "kind = 'p'\nprinted = 'p < .05'\nexpr = 'mcnemar(gained, lost).p'\n"
        "margins = { n = '1000000000', net = '2' }\n",
        encoding="utf-8",
    )
    with pytest.raises(UserError, match="up to 100,000 problems"):
        check_file(path)


@pytest.mark.parametrize(
    ("expr", "verdict"),
    [
        ("paired_difference(2, 30, 86).low > 0", "DECISION-DRIFT"),
        ("0 < paired_difference(2, 30, 86).low", "DECISION-DRIFT"),
        ("0 < paired_difference(4, 2, 86).low", "UNSUPPORTED"),
        ("0 < paired_difference(30, 2, 86).low", "PASS"),
        ("0 > paired_difference(30, 2, 86).high", "DECISION-DRIFT"),
        ("level > one_sample_t([1, 2, 3], 9, tail='greater').p", "DECISION-DRIFT"),
        ("level > one_sample_t([1, 2, 3], 9).p", "PASS"),
    ],
)
def test_a_comparison_may_be_written_either_way_round(
    tmp_path: Path, expr: str, verdict: str
) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(HEAD + f"kind = 'decision'\nprinted = 'so'\nexpr = \"{expr}\"", "utf-8")
    assert next(iter(check_file(path))).verdict == verdict


def test_a_result_with_limits_is_an_interval(tmp_path: Path) -> None:
    for printed, verdict in (("[23.6%, 43.0%]", "PASS"), ("[23.6%, 44.0%]", "VALUE-DRIFT")):
        found = checked(tmp_path, kind="interval", printed=printed, expr="wilson(28, 86)")
        assert found.verdict == verdict


@pytest.mark.parametrize("unit", [" bps", " basis points", "‰", " per mille"])
def test_smaller_units_than_percent_are_units(tmp_path: Path, unit: str) -> None:
    scale = 10 if "b" in unit else 1
    for value, verdict in ((23 * scale, "PASS"), (33 * scale, "VALUE-DRIFT")):
        found = checked(tmp_path, kind="value", printed=f"{value}{unit}", expr="after - base")
        assert found.verdict == verdict


def test_a_byte_order_mark_is_no_part_of_a_claims_file(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text("\ufeff" + HEAD + "kind = 'value'\nprinted = '1'\nexpr = '1'", "utf-8")
    assert next(iter(check_file(path))).verdict == "PASS"
