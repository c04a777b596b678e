"""What an outcome counts as, in every view: right, wrong, unreadable, missing."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from sql import loader
from sql.words import OutcomeStatus, readable_right
from tests.sql.few_rows import R, W, database, rows

UNJUDGED = {"correct": None}
"""An imported row of status ok without a verdict: missing, as an error is."""

STEERED = {"up": {"direction": "d", "alpha": 1.0}}
KINDS = {
    "right": R,
    "wrong": W,
    "truncated": "truncated",
    "parse_fail": "parse_fail",
    "error": "error",
    "unjudged": UNJUDGED,
}
# (correct, readable_right) of each kind.
READS = {
    "right": (True, True),
    "wrong": (False, False),
    "truncated": (None, False),
    "parse_fail": (None, False),
    "error": (None, None),
    "unjudged": (None, None),
}


@pytest.mark.parametrize(
    ("correct", "status", "expected"),
    [
        ("true", "'ok'", True),
        ("false", "'ok'", False),
        ("NULL", "'truncated'", False),
        ("NULL", "'parse_fail'", False),
        ("NULL", "'error'", None),
        ("NULL", "'ok'", None),
        ("NULL", "NULL", None),
        ("true", "NULL", True),
    ],
)
def test_the_estimand_is_one_macro(correct, status, expected):
    found = database({}).execute(f"SELECT readable_right({correct}, {status})").fetchall()
    assert found == [(expected,)]


def test_the_same_word_of_a_row_in_python_says_the_same():
    c = database({})
    for correct, status in itertools.product((True, False, None), (*get_args(OutcomeStatus), None)):
        asked = c.execute("SELECT readable_right($c::BOOLEAN, $s)", {"c": correct, "s": status})
        assert asked.fetchall() == [(readable_right(correct, status),)]


def test_no_file_but_the_macro_names_the_statuses_of_the_estimand():
    """A second place that says which statuses are not right would be a second estimand."""
    tells = {
        script.name
        for kind in ("views", "queries", "internal", "macros")
        for script in loader.scripts(kind).values()
        if "'truncated'" in loader.code(script.text)
    }
    # The others count statuses on their own, and ask the macro for the rest.
    assert tells == {"readable_right", "missing_by_condition", "cut_off_conditions"}


def _every_pair():
    """Every pair of kinds, the i-th of them i + 1 times, as baseline and steered outcomes."""
    pairs = [pair for i, pair in enumerate(itertools.product(KINDS, KINDS)) for _ in range(i + 1)]
    base = {f"p{i:03d}": KINDS[before] for i, (before, _) in enumerate(pairs)}
    up = {f"p{i:03d}": KINDS[after] for i, (_, after) in enumerate(pairs)}
    return pairs, base, up


def _expected(pairs):
    """The counts of a condition, pair by pair: slow and plain."""
    count = dict.fromkeys(
        (
            *("n", "n_correct", "n_unreadable", "n_missing", "n_pairs", "gained", "lost"),
            *("stayed_right", "stayed_wrong", "complete_n_pairs", "complete_gained"),
            *("complete_lost", "maybe_gained", "maybe_lost", "maybe_either"),
            *("became_unreadable", "became_readable"),
        ),
        0,
    )
    for before, after in pairs:
        (b, pb), (s, ps) = READS[before], READS[after]
        count["n"] += 1
        count["n_correct"] += s is True
        count["n_unreadable"] += after in {"truncated", "parse_fail"}
        count["n_missing"] += after in {"error", "unjudged"}
        if pb is not None and ps is not None:
            count["n_pairs"] += 1
            cell = {(0, 1): "gained", (1, 0): "lost", (1, 1): "stayed_right"}
            count[cell.get((int(pb), int(ps)), "stayed_wrong")] += 1
            count["became_unreadable"] += b is not None and s is None
            count["became_readable"] += b is None and s is not None
        if b is not None and s is not None:
            count["complete_n_pairs"] += 1
            count["complete_gained"] += s > b
            count["complete_lost"] += s < b
        # What the pair may have been: its possible changes, from every reading of a NULL.
        change = {
            later - earlier
            for earlier in ([False, True] if b is None else [b])
            for later in ([False, True] if s is None else [s])
        }
        if b is None or s is None:
            open_to = {(0, 1): "maybe_gained", (-1, 0): "maybe_lost", (-1, 0, 1): "maybe_either"}
            count[open_to[tuple(sorted(change))]] += 1
    return count


@pytest.mark.parametrize("view", ["discordant", "accuracy_by_alpha", "transitions"])
def test_every_pair_of_kinds_is_counted_as_one_by_one(view):
    pairs, base, up = _every_pair()
    c = database({"base": base, "up": up}, conditions=STEERED, sets={"s": ("random", base)})
    expected = _expected(pairs)
    known = {name for name, *_ in c.execute(f"DESCRIBE {view}").fetchall()}
    left_out = {"accuracy_by_alpha": 2, "transitions": 3, "discordant": 0}[view]
    columns = [name for name in expected if name in known]
    assert len(columns) == len(expected) - left_out
    found = rows(c, f"SELECT * FROM {view} WHERE direction IS NOT NULL", ", ".join(columns))
    assert found == [tuple(expected[name] for name in columns)]


def test_strata_count_as_sets_do():
    pairs, base, up = _every_pair()
    c = database(
        {"base": base, "up": up},
        conditions=STEERED,
        sets={"s": ("random", base)},
        problems={name: 1 + (i % 3 == 0) for i, name in enumerate(base)},
    )
    for level in (1, 2):
        expected = _expected([p for i, p in enumerate(pairs) if 1 + (i % 3 == 0) == level])
        columns = [n for n in expected if n not in {"stayed_right", "stayed_wrong"}]
        query = f"SELECT * FROM accuracy_by_stratum WHERE direction = 'd' AND level = '{level}'"
        assert rows(c, query, ", ".join(columns)) == [tuple(expected[n] for n in columns)]


def test_a_baseline_that_was_not_collected_is_a_missing_one():
    c = database(
        {"base": {"a": R}, "up": {"a": R, "b": R, "c": W, "d": "truncated"}}, conditions=STEERED
    )
    columns = "n, n_pairs, complete_n_pairs, maybe_gained, maybe_lost, maybe_either"
    query = "SELECT * FROM discordant WHERE direction = 'd'"
    assert rows(c, query, columns + ", became_unreadable") == [(4, 1, 1, 1, 1, 1, 0)]


def test_two_accuracies_have_two_denominators():
    c = database(
        {
            "base": dict.fromkeys("abcdef", R),
            "up": dict(zip("abcdef", [R, R, W, "truncated", "parse_fail", "error"], strict=True)),
        },
        conditions=STEERED,
    )
    query = "SELECT * FROM accuracy_by_alpha WHERE direction = 'd'"
    columns = "accuracy, complete_accuracy, baseline_n_correct, lost"
    assert rows(c, query, columns) == [(2 / 5, 2 / 3, 5, 3)]


def test_nothing_read_has_no_complete_accuracy_and_nothing_known_has_none():
    c = database(
        {"up": {"a": "truncated"}, "down": {"a": "error"}},
        conditions={**STEERED, "down": {"direction": "d", "alpha": -1.0}},
    )
    found = rows(c, "accuracy_by_alpha", "alpha, accuracy, complete_accuracy")
    assert found == [(-1.0, None, None), (1.0, 0.0, None)]


def test_a_test_of_a_dose_says_both_counts_and_the_bounds():
    c = database(
        {
            "base": dict.fromkeys("abcde", R) | {"f": W},
            "up": dict(zip("abcdef", [W, "truncated", "truncated", "error", R, R], strict=True)),
        },
        conditions=STEERED,
        sets={"primary": ("random", "abcdef")},
    )
    columns = (
        "n_pairs, gained, lost, n_unreadable, n_missing, complete_n_pairs, complete_estimate, "
        "effect_low, effect_high"
    )
    # Read: a lost, e unchanged, f gained. Open: b, c and d, each of which may have been lost.
    assert rows(c, "mcnemar_by_alpha", columns) == [
        (5, 1, 3, 2, 1, 3, 0.0, -0.5, 0.0),
    ]


CONTROLS = {
    name: {"role": "control", "kind": "random", "parent_id": "d"} for name in ("r1", "r2", "r3")
}


def _compared(outcomes, sets=None):
    """The candidate `up`, and its controls, on problems a to e."""
    directions = {name: {"direction": name, "alpha": 1.0} for name in outcomes if name[0] == "r"}
    return database(
        {"base": dict(zip("abcde", [R, R, W, W, R], strict=True)), **outcomes},
        conditions={**STEERED, **directions},
        directions=CONTROLS,
        sets=sets or {"primary": ("random", "abcde")},
    )


def _answers(*values):
    return dict(zip("abcde", values, strict=True))


EVEN = {"up": _answers(W, W, R, W, R), "r1": _answers(R, W, W, W, R), "r2": _answers(R, R, R, W, W)}


def test_candidate_and_controls_stand_on_the_pairs_that_each_has():
    """A control that lacks a, and one that lacks c: neither takes it from the others."""
    compared = (
        "direction, n_pairs, gained, lost, candidate_n_pairs, candidate_gained, candidate_lost"
    )
    assert rows(_compared(EVEN), "control_effects", compared) == [
        ("r1", 5, 0, 1, 5, 1, 2),
        ("r2", 5, 1, 1, 5, 1, 2),
    ]
    uneven = {
        **EVEN,
        "r1": _answers("error", W, W, W, R),
        "r2": _answers(R, R, UNJUDGED, W, W),
    }
    assert rows(_compared(uneven), "control_effects", compared) == [
        ("r1", 4, 0, 1, 5, 1, 2),
        ("r2", 4, 0, 1, 5, 1, 2),
    ]
    columns = "n_pairs, least_n_pairs, estimate, k, control_min"
    assert rows(_compared(uneven), "candidate_against_controls", columns) == [
        (5, 4, -1 / 5, 2, -1 / 4)
    ]


@pytest.mark.parametrize(
    ("changed", "n"),
    [
        ({"up": _answers("truncated", W, R, W, R)}, (5, 5, 5)),
        ({"up": _answers("error", W, R, W, R)}, (4, 5, 5)),
        ({"r1": _answers("truncated", W, W, W, R)}, (5, 5, 5)),
        ({"r1": _answers("error", W, W, W, R)}, (5, 4, 5)),
        ({"base": _answers("error", R, W, W, R)}, (4, 4, 4)),
        ({"r1": {"a": R, "b": W}}, (5, 2, 5)),
        # A control without any pair is none of the sample.
        ({"r3": dict.fromkeys("abcde", "error")}, (5, 5, 5, 0)),
    ],
)
def test_what_is_missing_is_left_out_where_it_is(changed, n):
    c = _compared({**EVEN, **changed})
    found = rows(c, "control_effects", "candidate_n_pairs, n_pairs")
    assert {own for own, _ in found} == {n[0]}
    assert tuple(of for _, of in found) == n[1:]
    k = sum(of > 0 for of in n[1:])
    assert rows(c, "candidate_against_controls", "least_n_pairs, k") == [
        (min(of for of in n[1:] if of), k)
    ]


def test_pairs_are_of_one_set():
    sets = {"primary": ("random", "abc"), "other": ("random", "cde")}
    c = _compared({**EVEN, "r1": _answers("error", W, W, W, R)}, sets)
    columns = "set_name, direction, n_pairs, candidate_n_pairs"
    assert rows(c, "control_effects", columns) == [
        ("other", "r1", 3, 3),
        ("other", "r2", 3, 3),
        ("primary", "r1", 2, 3),
        ("primary", "r2", 3, 3),
    ]


def test_both_signs_are_counted_on_the_problems_of_both():
    c = database(
        {
            "base": _answers(R, R, W, W, "error"),
            "up": _answers("truncated", R, R, "error", R),
            "down": _answers(W, "error", W, R, R),
        },
        conditions={**STEERED, "down": {"direction": "d", "alpha": -1.0}},
        sets={"primary": ("random", "abcde")},
    )
    # Only a and c have all three; a is lost at both signs, c gained at + alone.
    columns = "n, up, down, signed, damage"
    assert rows(c, "signed_effect", columns) == [(2, 0.0, -0.5, 0.25, -0.25)]


def test_losses_that_cannot_be_read_are_losses():
    c = _compared(
        {"up": _answers("truncated", W, R, W, "error"), "r1": _answers(W, "parse_fail", W, W, W)}
    )
    columns = "n, lost, control_lost, lost_by_both"
    assert rows(c, "shared_losses", columns, alpha=1.0) == [(4, 2, 2, 2)]
    assert rows(c, "flips_under_every_control", "problem_id", alpha=1.0, least=1) == [
        ("a",),
        ("b",),
        ("e",),
    ]


def test_seeds_disagree_where_one_cannot_be_read():
    c = database(
        {
            ("up", 0): {"a": R, "b": W, "c": R, "d": R},
            ("up", 1): {"a": "truncated", "b": "parse_fail", "c": "error", "d": R},
        },
        conditions=STEERED,
    )
    columns = "n_problems, n_disagree"
    assert rows(c, "seed_disagreement", columns) == [(3, 1)]
