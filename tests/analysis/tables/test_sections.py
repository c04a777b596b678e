"""All candidates of a section at once, against the flips of the differences themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis import tables
from analysis.statistics.signflips import step_down
from tests.reading import read


def test_p_is_corrected_over_all_candidates_of_a_set_and_protocol(demo_like: Path) -> None:
    table = tables.sections(demo_like)
    rows = table[(table["set_name"] == "primary") & (table["protocol"] == "codi")]
    assert set(rows["direction"]) == {"mean_difference", "mean_difference_matched"}
    assert set(rows["candidates"]) == {2}
    assert set(rows["family_size"]) == {len(rows)}
    outcomes = read(demo_like, "candidate_outcomes").to_pandas()
    outcomes = outcomes[(outcomes["set_name"] == "primary") & (outcomes["protocol"] == "codi")]
    right = outcomes["readable_right"].astype(float)
    outcomes["difference"] = right - outcomes["baseline_readable_right"].astype(float)
    wide = outcomes.pivot(index="problem_id", columns=["direction", "alpha"], values="difference")
    columns = [*zip(rows["direction"], rows["alpha"], strict=True)]
    expected = step_down(wide[columns].to_numpy(), rng=np.random.default_rng(1))
    assert rows["p_section"].to_numpy() == pytest.approx(expected, abs=0.02)
    # A family of two candidates is dearer than that of one alone.
    own = [column for column in columns if column[0] == "mean_difference"]
    alone = step_down(wide[own].to_numpy(), rng=np.random.default_rng(1))
    assert (expected[: len(alone)] >= alone - 0.02).all()
    assert len(table) == len(tables.effects(demo_like).query("role == 'candidate'"))
