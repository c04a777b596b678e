"""Ranges as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect.sweeps import ranges
from sql.errors import UserError


def test_a_range_of_doses_includes_both_ends_and_hits_zero_exactly() -> None:
    doses = ranges.alphas("-3:3:0.5")
    assert len(doses) == 13
    assert doses[0] == -3.0
    assert doses[6] == 0.0
    assert str(doses[6]) == "0.0"
    assert doses[-1] == 3.0


def test_a_dose_reached_by_steps_is_the_dose_as_written() -> None:
    assert ranges.alphas("0:0.3:0.1") == [0.0, 0.1, 0.2, 0.3]


def test_a_list_of_doses_is_sorted_and_distinct() -> None:
    assert ranges.alphas("2,-1,2") == [-1.0, 2.0]
    assert ranges.alphas("0.1, 0.30000000000000004,0.3") == [0.1, 0.3]
    assert ranges.alphas("-0.3:0.3:0.1") == [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]
    assert ranges.alphas("0:3e-12:1e-12") == [0.0, 1e-12, 2e-12, 3e-12]


@pytest.mark.parametrize("text", ["", "a", "1:2", "3:1:1", "0:1:0", "nan", "0:inf:1", "0:1:1e-9"])
def test_bad_doses_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="--alphas"):
        ranges.alphas(text)


def test_seeds_leave_the_end_out_as_python_does() -> None:
    assert ranges.seeds("0:4") == [0, 1, 2, 3]
    assert ranges.seeds("7,0,7") == [0, 7]
    assert ranges.seeds("2147483647") == [2**31 - 1]


@pytest.mark.parametrize("text", ["", "4:4", "-1", "0:1:2", "1.5", "2147483648", "0:" + "9" * 30])
def test_bad_seeds_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="--seeds"):
        ranges.seeds(text)


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("4GB", 4 * 10**9), ("500 mb", 5 * 10**8), ("1500k", 1_500_000), ("1000000", 10**6)],
)
def test_memory(text: str, bytes_: int) -> None:
    assert ranges.memory_bytes(text) == bytes_


def test_bad_memory_is_refused() -> None:
    for text in ("a lot", "12", "999k", "0GB", "9" * 400):
        with pytest.raises(UserError, match="--memory"):
            ranges.memory_bytes(text)


@given(st.lists(st.integers(0, 9999), min_size=1, max_size=20))
def test_any_list_of_seeds_reads_back(seeds: list[int]) -> None:
    assert ranges.seeds(",".join(map(str, seeds))) == sorted(set(seeds))
