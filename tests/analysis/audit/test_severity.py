"""How grave a finding is: computed from the headline without what is affected."""

from __future__ import annotations

import pytest

from analysis.audit.auditing import look
from analysis.audit.copies import Edit
from analysis.audit.headline import Headline, Stand, consequence, headline
from analysis.audit.registry import CHECKS
from analysis.audit.selftest.clean import GAINED, N, Rows
from analysis.audit.selftest.running import case_of, planted_finding
from analysis.audit.selftest.sandbox import Sandbox


def stand(verdict: str = "supported", *, at: float = 1.0, **effects: float) -> Stand:
    by_dose = {at: (effects.get("estimate", 0.2), effects.get("p", 0.01))}
    return Stand(
        claim="amplification", direction="d", set_name="s", protocol="codi", verdict=verdict,
        effects=by_dose, alpha=at,
    )  # fmt: skip


def becomes(before: Stand, after: Stand | None) -> tuple[str, str]:
    found = consequence(
        Headline(stands={("k",): before}),
        Headline(stands={} if after is None else {("k",): after}),
        "Without them",
    )
    return found.severity, found.said


@pytest.mark.parametrize(
    ("before", "after", "severity", "said"),
    [
        (stand(), stand("inconclusive"), "decides", "is inconclusive, not supported"),
        (stand(), stand(p=0.06), "decides", "is not significant (corrected p = 0.060, with them"),
        (stand(p=0.2), stand(p=0.04), "decides", "is significant (corrected p = 0.04"),
        (stand(), stand(estimate=-0.1), "decides", "is −10.0 points, not +20.0"),
        (stand(), None, "decides", "it cannot be known"),
        (stand("inconclusive", p=0.2), None, "hygiene", "which claims nothing"),
        (stand(), stand(estimate=0.19), "biases", "is +19.0 points, not +20.0"),
        (stand(), stand(estimate=0.2004), "hygiene", "no verdict changes, and no effect moves"),
        # Where nothing is significant a sign is none.
        (stand("inconclusive", p=0.9), stand("inconclusive", estimate=-0.1, p=0.8), "biases",
         "is −10.0 points, not +20.0"),
        (stand(), stand(at=2.0), "decides", "it cannot be known"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_headline(before: Stand, after: Stand, severity: str, said: str) -> None:
    found = becomes(before, after)
    assert found[0] == severity
    assert said in found[1]


def test_a_baseline_that_moves_biases_where_nothing_was_steered() -> None:
    before, after = (Headline(baselines={("s", "b"): share}) for share in (0.5, 0.512))
    found = consequence(before, after, "Without them")
    assert found.severity == "biases"
    assert found.moved == pytest.approx(0.012)
    assert found.said == "Without them the baseline of s is 51.2 % right, not 50.0 %."


def test_the_headline_of_the_clean_store(sandbox: Sandbox, rows: Rows) -> None:
    stands = headline(sandbox.load(rows)).stands.values()
    assert {(one.claim, one.verdict, one.alpha) for one in stands} == {
        ("amplification", "supported", 1.0),
        ("suppression", "supported", -1.0),
    }
    # binomtest(8, 8): mid-p 0.00390625, Holm over three doses.
    for one in stands:
        assert one.alpha is not None
        assert one.effects[one.alpha] == pytest.approx((one.alpha * GAINED / N, 0.01171875))


@pytest.mark.parametrize(
    ("check_id", "severity", "n", "said"),
    [
        ("data/train_test", "decides", 8, "amplification by push on test is inconclusive"),
        ("outcomes/errors_as_wrong", "decides", 5, "is not significant (corrected p = 0.06"),
        ("direction/copies", "hygiene", 1, "no verdict changes, and no effect moves"),
        ("inference/selected_set", "decides", 1, "it cannot be known"),
    ],
)
def test_a_planted_defect_is_as_grave_as_what_it_changes(
    sandbox: Sandbox, rows: Rows, check_id: str, severity: str, n: int, said: str
) -> None:
    found = planted_finding(sandbox, check_id, rows)
    assert (found.status, found.severity, found.n_affected) == ("found", severity, n)
    assert said in str(found.consequence)
    assert found.decides is (severity == "decides")
    assert bool(found.verdicts) is found.decides


def test_what_is_left_out_is_there_again(sandbox: Sandbox, rows: Rows) -> None:
    copy = sandbox.load(rows)
    with copy.without(Edit(directions=["push".ljust(32, "0")])) as without:
        assert not headline(without).stands
    assert headline(sandbox.load(rows)).stands


def test_json_that_is_none_stops_no_other_check(sandbox: Sandbox, rows: Rows) -> None:
    broken = {**rows, "conditions": [{**row, "decoding": "{"} for row in rows["conditions"]]}
    case = case_of(sandbox, broken)
    found = look(case, CHECKS["provenance/one_sample"], lambda: sandbox)
    assert found.status == "could_not_run"
    assert "JSON" in str(found.why)
