"""Schedules and vectors by site, on numbers small enough to check by hand."""

import numpy as np
import pytest

from collect.engine.interventions import Steering, schedule_weights, site_vectors
from sql.errors import UserError
from store.names import residual_layer

NORMS = np.array([1.0, 2.0, 3.0], dtype=np.float32)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("uniform", [1, 1, 1]),
        ("first", [1, 0, 0]),
        ("last", [0, 0, 1]),
        ("position:1", [0, 1, 0]),
        ("magnitude", [0.5, 1, 1.5]),
        ("[2, 0, -1]", [2, 0, -1]),
    ],
)
def test_schedule_weights(schedule, expected):
    np.testing.assert_allclose(schedule_weights(schedule, NORMS), expected)


@pytest.mark.parametrize(
    "schedule", ["sometimes", "position:3", "position:x", "[1, 2]", "[1, 2, 3, 4]", "[1, 'a', 2]"]
)
def test_schedules_that_do_not_fit_are_refused(schedule):
    with pytest.raises(UserError):
        schedule_weights(schedule, NORMS)


def test_open_ended_schedules_may_be_shorter():
    np.testing.assert_allclose(schedule_weights("[2]", NORMS, open_ended=True), [2, 0, 0])


def test_magnitude_of_a_zero_direction_is_zero():
    np.testing.assert_allclose(schedule_weights("magnitude", NORMS * 0), [0, 0, 0])


@pytest.mark.parametrize(
    ("site", "layer"), [("latent", None), ("latent_projected", None), ("residual:11", 11)]
)
def test_sites(site, layer):
    assert residual_layer(site) == layer


@pytest.mark.parametrize("site", ["residual", "residual:", "residual:-1", "mlp:3", ""])
def test_unknown_sites_are_refused(site):
    with pytest.raises(UserError, match="unknown site"):
        residual_layer(site)


def test_dose_is_alpha_times_weight_times_norm():
    vectors = np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)
    (part,) = site_vectors(Steering(vectors, -2.0), 2, 2)
    np.testing.assert_allclose(part.dose, [-10, 0])
    np.testing.assert_allclose(part.unit, np.array([[0.6, 0.8], [0, 0]]), rtol=1e-6)


def test_several_sites_take_their_vectors_one_after_the_other():
    vectors = np.arange(1, 9, dtype=np.float32).reshape(4, 2)
    parts = site_vectors(Steering(vectors, 1.0, "residual:0, residual:3"), 2, 2)
    assert [part.site for part in parts] == ["residual:0", "residual:3"]
    np.testing.assert_allclose(parts[1].unit * parts[1].dose[:, None], vectors[2:], rtol=1e-6)


def test_baseline_has_no_vectors():
    assert Steering(None).is_baseline
    assert site_vectors(Steering(None), 3, 2) == []
