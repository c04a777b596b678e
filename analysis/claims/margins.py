"""What printed totals leave open: every 2x2 table that fits them.

A paper that prints how many problems were right before and after, but not which ones, has not
said how many were gained and how many lost; only their difference. All the tables that fit are
few enough to try each, so a claim is true for all of them, for none, or for a set that can be said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

# More problems are no experiment, and each of their tables is tried.
MOST_PAIRS = 100_000


@dataclass(frozen=True, order=True)
class PairTable:
    """One way in which n problems may have changed.

    Attributes:
        gained: wrong before, right after.
        lost: right before, wrong after.
        n: number of problems.
    """

    gained: int
    lost: int
    n: int


def tables_that_fit(
    n: int, *, before: int | None = None, after: int | None = None, net: int | None = None
) -> list[PairTable]:
    """Every 2x2 table of n paired problems with these margins, fewest gained first.

    Args:
        n: number of problems.
        before: right at baseline, where printed.
        after: right when steered, where printed.
        net: gained minus lost, where printed.

    Raises:
        ValueError: neither both margins nor the net change are known.
    """
    if net is None and (before is None or after is None):
        raise ValueError("margins need the net change, or both `before` and `after`")
    most_lost = n if before is None else before
    most_gained = n if before is None else n - before
    tables = []
    for gained in range(0, most_gained + 1):
        losses = range(0, most_lost + 1) if net is None else (gained - net,)
        if before is not None and after is not None:
            losses = (before + gained - after,)
        for lost in losses:
            fits_net = net is None or gained - lost == net
            fits_after = after is None or (gained <= after and lost <= n - after)
            if 0 <= lost <= most_lost and gained + lost <= n and fits_net and fits_after:
                tables.append(PairTable(gained, lost, n))
    return tables


@dataclass(frozen=True)
class Enumeration:
    """For which of the tables that fit a statement holds.

    Attributes:
        tables: all tables that fit the printed totals.
        holding: those for which the statement is true.
    """

    tables: tuple[PairTable, ...]
    holding: tuple[PairTable, ...]

    @property
    def always(self) -> bool:
        """Whether the statement holds whatever the table was."""
        return bool(self.tables) and len(self.holding) == len(self.tables)

    @property
    def never(self) -> bool:
        """Whether no table that fits makes the statement true."""
        return not self.holding

    def says(self) -> str:
        """The answer in words, such as "if at most 7 were gained (of 0..17)"."""
        everything = describe_range(t.gained for t in self.tables)
        if not self.tables:
            return "no table fits the printed totals"
        if self.always:
            return f"for every table that fits ({everything} gained)"
        if self.never:
            return f"for no table that fits ({everything} gained)"
        return f"if {_bounds(self)} (of {everything})"


def enumerate_claim(tables: Iterable[PairTable], holds: Callable[[PairTable], bool]) -> Enumeration:
    """Try a statement on every table that fits."""
    every = tuple(tables)
    return Enumeration(every, tuple(table for table in every if holds(table)))


def describe_range(counts: Iterable[int]) -> str:
    """Whole numbers as ranges: 0, 1, 2, 5 becomes "0..2, 5"."""
    ranges: list[list[int]] = []
    for count in sorted(set(counts)):
        if ranges and count == ranges[-1][1] + 1:
            ranges[-1][1] = count
        else:
            ranges.append([count, count])
    return ", ".join(str(a) if a == b else f"{a}..{b}" for a, b in ranges)


def _bounds(enumeration: Enumeration) -> str:
    held = sorted({t.gained for t in enumeration.holding})
    every = sorted({t.gained for t in enumeration.tables})
    missed = [g for g in every if g not in held]
    if held == [0]:
        return "none was gained"
    if held[-1] < missed[0]:
        return f"at most {held[-1]} were gained"
    if held[0] > missed[-1]:
        return f"at least {held[0]} were gained"
    return f"{describe_range(held)} were gained"
