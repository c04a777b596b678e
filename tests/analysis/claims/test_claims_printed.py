"""Printed figures: value, precision, printing again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.claims.numbers import numbers_in
from analysis.claims.parsing import parse_document
from analysis.claims.printed import agrees, parse_figure, parse_interval, print_like, same_sign


@pytest.mark.parametrize(
    ("text", "value", "decimals", "relation"),
    [
        ("32.6%", 0.326, 1, "="),
        ("-12.8 pts", -0.128, 1, "="),
        ("−12.8 points", -0.128, 1, "="),
        ("+0.0 pts", 0.0, 1, "="),
        ("1,319", 1319, 0, "="),
        ("p<0.05", 0.05, 2, "<"),
        ("p = .04", 0.04, 2, "="),
        ("≈ 1.3", 1.3, 1, "~"),
        ("~22 seconds", 22, 0, "~"),
        ("nearly 2x", 2, 0, "nearly"),
        ("at most 7", 7, 0, "<="),
        ("117M", 117e6, 0, "="),
        ("1.2e-3", 0.0012, 4, "="),
        ("− 4.46", -4.46, 2, "="),
        ("2.3 pp", 0.023, 1, "="),
        ("-6.7 ± 5.3 pts", -0.067, 1, "="),
        ("t(10) = 3", 3, 0, "="),
        ("0.04**", 0.04, 2, "="),
        ("p = 5.8 × 10−48", 5.8e-48, 49, "="),
        (r"p = 5.8\times10^{-48}", 5.8e-48, 49, "="),
        (r"$p < 10^{-3}$", 0.001, 3, "<"),
        ("6.1 × 10⁻⁴⁸", 6.1e-48, 49, "="),
        ("12{,}345", 12345, 0, "="),
        (r"12\,345", 12345, 0, "="),
        (r"\num{25.8}\%", 0.258, 1, "="),
        (r"$34.9\,\%$", 0.349, 1, "="),
        (r"\textbf{+2.3} pts", 0.023, 1, "="),
    ],
)
def test_a_figure_is_read_with_its_precision(text, value, decimals, relation):
    figure = parse_figure(text)
    assert float(figure) == pytest.approx(value, rel=1e-12)
    assert (figure.decimals, figure.relation, figure.text) == (decimals, relation, text)


@pytest.mark.parametrize(
    "text", ["", "baseline", "-", "%", "3 of 4", "1.2.3", "GPT-2", "9e999", "1e5000"]
)
def test_what_is_no_figure_is_refused(text):
    with pytest.raises(ValueError, match="is not a printed figure"):
        parse_figure(text)


@pytest.mark.parametrize(
    ("value", "text", "same"),
    [
        (28 / 86, "32.6%", True),
        (27 / 86, "32.6%", False),
        (0.325, "32.5%", True),
        (0.0125, "1.2%", True),  # a tie may be rounded either way
        (0.0125, "1.3%", True),
        (1.897, "nearly 2x", True),
        (2.1, "nearly 2x", False),
        (1.4, "nearly 2x", False),
        (0.04, "p<0.05", True),
        (0.05, "p<0.05", False),
        (7, "at most 7", True),
        (float("nan"), "1.0", False),
    ],
)
def test_agreement_is_at_the_printed_precision(value, text, same):
    assert agrees(value, parse_figure(text)) is same


@given(st.decimals(min_value=-1000, max_value=1000, places=3), st.sampled_from(["", "%", " pts"]))
def test_a_figure_printed_again_is_itself(number, unit):
    text = f"{number}{unit}"
    figure = parse_figure(text)
    assert parse_figure(print_like(figure, figure)) == figure
    assert agrees(float(figure), figure)
    assert same_sign(float(figure), figure)


@pytest.mark.parametrize(
    ("value", "like", "printed"),
    [
        (0.0233, "+2.3 pts", "+2.3 pts"),
        (-0.1, "+2.3 pts", "-10.0 pts"),
        (0.5, "32.6%", "50.0%"),
        (12345.6, "1,319", "12,346"),
        (1.1429, "≈ 1.3", "≈ 1.1"),
        (0.0629, "p<0.01", "0.0629"),
        (0.4531, "p = .39", "p = .45"),
        (-0.1, "−2.3 pts", "−10.0 pts"),
        (1.23e-30, "p = 5.8 × 10−48", "p = 1.2 × 10−30"),
        (1.23e-30, "6.1×10⁻⁴⁸", "1.2×10⁻³⁰"),
    ],
)
def test_new_values_are_printed_like_old_ones(value, like, printed):
    assert print_like(value, parse_figure(like)) == printed


def test_intervals_share_their_unit():
    limits = parse_interval("95% CI: [-4.2, 9.4] pts")
    assert (float(limits.low), float(limits.high)) == pytest.approx((-0.042, 0.094))
    for text in ("2.6 ± 6.8 pts", "-4.2 to 9.4 pts", "-4.2–9.4 pp"):
        limits = parse_interval(text)
        assert (float(limits.low), float(limits.high)) == pytest.approx((-0.042, 0.094))
    for text, ends in (
        ("9-10", (9, 10)),
        ("[1,2]", (1, 2)),
        ("[-4.2,9.4]", (-4.2, 9.4)),
        ("[100,200]", (100, 200)),
        ("[1,100, 1,200]", (1100, 1200)),
    ):
        limits = parse_interval(text)
        assert (float(limits.low), float(limits.high)) == ends
    with pytest.raises(ValueError, match="is not an interval"):
        parse_interval("4.2 pts")


DOCUMENT = """# 3. Results of 2025-10-21 with Python 3.11 and v1.2.3

As Smith et al. (2021) and [12] found in 2019, GPT-2 solves 32.6% (n=86) of GSM8K (Table 2).
See `x = 17` and https://example.org/99 or [figure](img_4.png). On 21 October 2025 at 10:30.

1. Gains of -12.8 points (p<0.05), 1,319 problems, α=+1.0 and layers 9-10, 3 seeds.
<!-- 55 -->
"""


def found_in(text, **options):
    return [n.text for n in numbers_in(parse_document(text, **options))]


def test_numbers_that_are_no_claims_are_left_out():
    expected = ["32.6%", "86", "-12.8 points", "0.05", "1,319", "+1.0", "9", "10", "3"]
    assert found_in(DOCUMENT) == expected


def test_numbers_know_their_place():
    first = next(numbers_in(parse_document(DOCUMENT)))
    assert (first.line, first.text) == (3, "32.6%")
    assert DOCUMENT[first.start : first.end] == "32.6%"
    assert DOCUMENT.splitlines()[2][first.column - 1 :].startswith("32.6%")


def test_code_counts_when_asked_for():
    assert "17" in found_in(DOCUMENT, code=True)
    assert "17" not in found_in(DOCUMENT)


def test_latex_comments_and_citations_are_left_out():
    text = "Accuracy 32.6\\% \\cite{a2021} rose by 2.3 points. % not 99\n\\claim{x7}{4}"
    assert found_in(text, latex=True) == ["32.6%", "2.3 points", "4"]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("p = .09-and so, t(553) = − 4.46, p < .0001", [".09", "553", "− 4.46", ".0001"]),
        ("3–5 problems, 9-10, 5 - 3", ["3", "5", "9", "10", "5", "3"]),
        ("p = 5.8 × 10−48 and 6.1 × 10⁻⁴⁸", ["5.8 × 10−48", "6.1 × 10⁻⁴⁸"]),
        ("-6.7 ± 5.3 pts", ["-6.7 ± 5.3 pts"]),
        ("Llama-3.2-1B and GPT-2 in 2048 tokens", ["2048"]),
        ("an error 3.2% and Figure 3", ["3.2%"]),
        ("layer6, x2, 1e-5x", []),
        ("(0.002,0.042) and 1,2,3", ["0.002", "0.042", "1", "2", "3"]),
    ],
)
def test_one_reader_of_numbers(text, numbers):
    assert found_in(text) == numbers


def test_a_range_shares_its_unit():
    first, second = numbers_in(parse_document("from 32.6 to 34.9%"))
    assert (first.share, second.share) == (True, True)
    assert first.value == pytest.approx(0.326)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *("# T", "| a | 3 |", "|---|---|", "`5`", "```", "<!-- claim:a -->", "2.5%", "\\%"),
                *("**", "[1](u)", "![x](y)", "<b>", "&amp;", "- 4", "> 5", "\n", "$5^2$", "\\|"),
                *("<!-- /claim -->", "<table>", "\t", "\x00", "é", "---", "https://a.b/3"),
            ]
        ),
        max_size=14,
    )
)
def test_no_markdown_breaks_the_reader(pieces):
    for source in (" ".join(pieces), "\n".join(pieces)):
        document = parse_document(source)
        assert len(document.text) == len(document.places)
        assert all(0 <= place <= len(source) for place in document.places)
        list(numbers_in(document))
