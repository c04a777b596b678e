"""The power of a verdict is that of whole experiments: known at its ends, or refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from analysis import Refusal
from analysis.calibration import VerdictPower, verdict_power
from analysis.calibration.experiments import World, outcomes
from analysis.calibration.verdict_power import _signed_effect
from analysis.calibration.verdicts import REAL, verdicts_reached
from analysis.cli.calc import app

USUAL: dict[str, Any] = {
    "n": 60, "effect": 0.2, "accuracy": 0.5, "control_sd": 0.01, "k": 3, "doses": (-1.0, 1.0),
    "experiments": 2,
}  # fmt: skip


def power(**changed: Any) -> VerdictPower:
    return verdict_power(**(USUAL | {"rng": np.random.default_rng(5)} | changed))


def test_a_clear_effect_is_supported_with_controls_enough_and_no_effect_never_is() -> None:
    world = World(n=20_000, k=1, signed=1e-9, gap=0.2e9)
    steered = outcomes(world, np.random.default_rng(2))[1].mean(axis=(2, 3))[0]
    assert (steered[-1] - steered[0]) / 2 == pytest.approx(_signed_effect(world, 0.2), abs=0.012)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"n": 1}, "n must be"), ({"n": 10**6}, "n must be"), ({"k": 0}, "k must be"),
        ({"experiments": 0}, "experiments"), ({"effect": 0.6}, "between 0"),
        ({"effect": -0.1}, "between 0"),
        ({"effect": float("nan")}, "effect"), ({"accuracy": 60}, "fraction"),
        ({"control_sd": 0.0}, "control_sd"), ({"doses": (1.0, 2.0)}, "both signs"),
        ({"doses": (-1.0, -2.0)}, "both signs"), ({"doses": (-1.0, 0.0, 1.0)}, "no 0"),
        ({"doses": (1.0,)}, "different"), ({"doses": (1.0, 1.0, -1.0)}, "different"),
        ({"doses": "12"}, "doses"), ({"rng": 7}, "rng"),
        ({"n": 10_000, "k": 999, "doses": np.arange(-5.5, 6)}, "outcomes"),
    ],
)  # fmt: skip
def test_what_is_no_experiment_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words) as caught:
        power(**changed)
    assert "\n" not in str(caught.value)


def test_the_command_prints_it_with_its_error() -> None:
    asked = [
        "verdict-power",
        "--n",
        "60",
        "--effect",
        "20",
        "--accuracy",
        "50",
        "--control-sd",
        "1",
    ]
    asked += ["--k", "3", "--alphas", "1", "--experiments", "2", "--seed", "5"]
    text = CliRunner().invoke(app, asked, catch_exceptions=False).stdout
    assert "0.000 ± 0.354" in text
    assert "2 simulated experiments (Monte-Carlo standard error 0.354)" in text
    content = json.loads(CliRunner().invoke(app, [*asked, "--json"], catch_exceptions=False).stdout)
    assert content["result"]["estimate"] == power().power


@pytest.mark.trial
def test_it_is_the_power_that_the_calibration_has() -> None:
    world = REAL["gap 4 SD"]
    # Standard deviation and effect of the calibration's world, at its largest dose.
    found = power(
        n=world.n, k=world.k, accuracy=world.accuracy, doses=world.doses, experiments=100,
        effect=_signed_effect(world, 4 * world.signed),
        control_sd=_signed_effect(world, world.signed),
    )  # fmt: skip
    reached = verdicts_reached(world, 100, np.random.default_rng(6))
    share = np.mean(["supported" in one for one in reached])
    assert found.power == pytest.approx(share, abs=4 * np.sqrt(0.25 * 2 / 100))
