"""A store in brief: each sentence and answer in a case in which one condition alone decides."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import steerstat
from analysis.report.brief import CANNOT_BE_SAID, QUESTIONS, WIDTH, briefs, briefs_of, in_lines
from tests.analysis.report.test_verdicts_edges import effect, row

# A direction that lowers accuracy with either sign, most at -3.
FALLS = [effect(-3.0, -0.3), effect(-2.0, -0.2), effect(2.0, -0.25)]
FLAT = [effect(-2.0, 0.01, p=0.8), effect(2.0, -0.01, p=0.8)]


def controls(alpha: float = -3.0, mean: float = -0.1, **more: Any) -> dict[str, Any]:
    """A row of `tables.controls` on the effect at one dose."""
    return row() | {
        "alpha": alpha, "controls_mean": mean, "k": 99, "quantity": "effect",
    } | more  # fmt: skip


def brief(
    effects: list[dict[str, Any]],
    beyond: list[dict[str, Any]] | None = None,
    among: list[dict[str, Any]] | None = None,
):
    made = briefs_of(
        pd.DataFrame([{"stop": None} | one for one in effects]),
        pd.DataFrame(beyond or [], columns=list(row())),
        pd.DataFrame(among or [], columns=list(controls())),
    )
    assert len(made) == 1
    return made[0]


@pytest.mark.parametrize(
    ("effects", "said"),
    [
        (FALLS, "lowers accuracy in either direction, most at α = −3 by −30.0 points."),
        ([effect(-3.0, 0.3), effect(2.0, 0.1)], "raises accuracy in either direction, most at α"),
        (
            [effect(-3.0, -0.1), effect(2.0, 0.4)],
            "raises accuracy at positive doses and lowers accuracy at negative doses, most at α = "
            "+2 by +40.0 points.",
        ),
        (
            [effect(-3.0, -0.1, p=0.06), effect(2.0, -0.4)],
            "lowers accuracy at positive doses, most at α = +2 by −40.0 points.",
        ),
        (FLAT, "moves accuracy at no dose beyond chance."),
    ],
)
def test_the_sentence_says_what_moved(effects, said) -> None:
    assert f"Pushing along d {said}" in brief(effects).sentence


def test_controls_stand_beside_the_largest_change() -> None:
    among = [controls(), controls(2.0, -0.2), controls(quantity="signed effect", mean=-0.7)]
    assert "by −30.0 points, against −10.0 on average of 99 controls." in (
        brief(FALLS, among=among).sentence
    )
    among = [controls(), controls(control_kind="shuffled", mean=0.02, k=1)]
    assert "against −10.0 on average of 99 random controls and +2.0 on average of 1 shuffled " in (
        brief(FALLS, among=among).sentence
    )
    assert "against" not in brief(FALLS, among=[controls(-2.0)]).sentence


@pytest.mark.parametrize(
    ("more", "answers", "follows"),
    [
        ({}, ("yes", "yes", "yes"), "Suppression: supported."),
        ({"p_effect": 0.03}, ("yes", "not shown", "yes"), "more than any push of its size"),
        ({"p_signed": 0.03}, ("yes", "yes", "not shown"), "nothing shows that its sign means"),
        ({"p_share": 0.03}, ("yes", "yes", "not shown"), "nothing shows that its sign means"),
        (
            {"status": "too_few_controls", "why": "5 cannot decide."},
            ("yes", CANNOT_BE_SAID, CANNOT_BE_SAID),
            "Without controls that decide",
        ),
        ({"p_bounds_adjusted": 0.9}, ("yes", "yes", "yes"), "is said with its verdict"),
    ],
)
def test_each_rank_answers_its_own_question(more, answers, follows) -> None:
    worst = max(more.get(name, 0.02) for name in ("p_effect", "p_signed", "p_share"))
    found = brief(FALLS, [row("suppression", p=worst, p_adjusted=worst, **more)])
    assert tuple(answer for answer, _ in found.answers) == answers
    assert follows in found.sentence


def test_every_kind_of_control_has_to_be_beaten() -> None:
    kinds = [row("suppression"), row("suppression", control_kind="shuffled", p_effect=0.2)]
    (_, more, _) = brief(FALLS, kinds).answers
    assert more == ("not shown", "rank p = 0.20 among 99 random controls and 99 shuffled controls")


def test_what_did_not_move_or_moved_against_both_claims_is_not_ranked() -> None:
    both = [row(), row("suppression")]
    for effects, why in (
        (FLAT, "accuracy did not move"),
        ([effect(-2.0, 0.3), effect(2.0, -0.3)], "accuracy moved against both claims alone"),
    ):
        _, more, signed = brief(effects, both).answers
        assert more[0] == signed[0] == "not asked"
        assert why in more[1]


def test_a_selected_set_decides_nothing() -> None:
    chosen = [one | {"selected_on_outcome": True} for one in FALLS]
    assert "nothing follows from it" in brief(chosen, [row("suppression")]).sentence


def test_no_change_is_claimed_absent_that_is_not_excluded() -> None:
    assert "Smaller changes are not excluded." in brief(FLAT).sentence
    narrow = {"low": -0.02, "high": 0.02}
    near = [effect(-2.0, 0.0, p=0.8, **narrow), effect(2.0, 0.0, p=0.8, **narrow)]
    assert "A change of 5 points in its favour is excluded." in brief(near).sentence
    assert "A change" not in brief([near[0], FLAT[1]]).sentence


def test_the_command_prints_it_in_eighty_columns_and_writes_nothing(made_store, tmp_path) -> None:
    before = sorted(made_store.rglob("*"))
    result = CliRunner().invoke(steerstat.app, ["report", str(made_store), "--brief"])
    assert result.exit_code == 0, result.output
    assert sorted(made_store.rglob("*")) == before
    lines = result.output.rstrip("\n").split("\n")
    assert max(map(len, lines)) <= WIDTH
    made = briefs(made_store)
    assert lines == in_lines(made)
    assert all(result.output.count(question) == len(made) for question in QUESTIONS)


def test_the_command_prints_it_as_json_too(made_store) -> None:
    result = CliRunner().invoke(steerstat.app, ["report", str(made_store), "--brief", "--json"])
    found = json.loads(result.output)
    made = briefs(made_store)
    assert [one["sentence"] for one in found] == [one.sentence for one in made]
    assert {*found[0]["answers"]} == set(QUESTIONS)
    assert found[0]["stamp"] == "exploratory"


def test_a_report_of_nothing_makes_nothing(tmp_path) -> None:
    for command in ("report", "figures"):
        result = CliRunner().invoke(steerstat.app, [command, str(tmp_path / "nowhere")])
        assert "is no store: found nothing there" in str(result.exception)
    assert not (tmp_path / "nowhere").exists()
