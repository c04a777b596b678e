"""Direction fits on planted truths, and the controls' norms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect.directions.control_vectors import (
    CONTROLS,
    random_per_position,
    random_total_norm,
    shuffled_labels,
    with_norms_of,
)
from collect.directions.fits import (
    FITS,
    first_principal_component,
    logistic_probe,
    mean_difference,
    mean_difference_matched,
    shrinkage_lda,
)
from sql.errors import UserError


def cosine(a, b):
    return np.sum(a * b, -1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


@pytest.fixture
def planted():
    """400 problems whose right ones lie `delta` from the wrong ones, in light noise."""
    rng = np.random.default_rng(0)
    delta = 3 * rng.standard_normal((3, 8))
    labels = np.arange(400) % 2 == 0
    noise = 0.3 * rng.standard_normal((400, 3, 8))
    return noise + labels[:, None, None] * delta, labels, delta


@pytest.mark.parametrize("name", sorted(FITS))
def test_every_fit_finds_the_planted_direction(name, planted):
    activations, labels, delta = planted
    found = FITS[name](activations, labels, strata=np.arange(400) // 4 % 3)
    assert found.shape == delta.shape
    assert (cosine(found, delta) > 0.99).all()


@pytest.mark.parametrize("name", sorted(FITS))
def test_swapping_labels_turns_the_direction(name, planted):
    activations, labels, _ = planted
    strata = np.arange(400) // 4 % 3
    there = FITS[name](activations, labels, strata=strata)
    back = FITS[name](activations, ~labels, strata=strata)
    np.testing.assert_allclose(there, -back, rtol=1e-3, atol=1e-4)


def test_matching_removes_what_strata_alone_explain():
    rng = np.random.default_rng(1)
    difficulty, delta = rng.standard_normal((2, 4)), 0.2 * rng.standard_normal((2, 4))
    hard = rng.random(2000) < 0.5
    right = rng.random(2000) < np.where(hard, 0.2, 0.9)
    noise = 0.01 * rng.standard_normal((2000, 2, 4))
    activations = noise - 5 * hard[:, None, None] * difficulty + right[:, None, None] * delta
    raw = mean_difference(activations, right)
    matched = mean_difference_matched(activations, right, strata=hard)
    assert (cosine(matched, delta) > 0.99).all()
    assert (np.abs(cosine(raw, difficulty)) > 0.97).all()


def test_matched_by_hand():
    activations = np.array([1.0, 2.0, 4.0, 8.0, 16.0]).reshape(5, 1, 1)
    labels = np.array([True, False, True, False, True])
    strata = np.array([0, 0, 1, 1, 2])  # stratum 2 has no wrong problem and drops out
    # weights 1/2 and 1/2: ((1 - 2) + (4 - 8)) / 2
    assert mean_difference_matched(activations, labels, strata=strata).item() == -2.5


def test_a_stratum_weighs_the_inverse_variance_of_its_difference():
    """Two strata of four problems, of which one is split unevenly: it says less."""
    activations = np.array([9.0, 1.0, 2.0, 3.0, 4.0, 6.0, 2.0, 6.0]).reshape(8, 1, 1)
    labels = np.array([True, False, False, False, True, True, False, False])
    strata = np.repeat([0, 1], 4)
    # differences 9 - 2 and 5 - 4, weights 1 * 3 / 4 and 2 * 2 / 4
    expected = (0.75 * 7 + 1.0 * 1) / 1.75
    matched = mean_difference_matched(activations, labels, strata=strata).item()
    assert matched == pytest.approx(expected, rel=1e-12)


def ridge_logistic(features, labels, penalty):
    """Newton's method on sum log(1 + exp(-margin)) + penalty / 2 |w|^2; the intercept is free."""
    design = np.column_stack([features, np.ones(len(features))])
    ridge = penalty * np.diag([1.0] * features.shape[1] + [0.0])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (labels - p) - ridge @ weights
        curvature = design.T @ (design * (p * (1 - p))[:, None]) + ridge
        weights += np.linalg.solve(curvature, slope)
    return weights[:-1]


def test_the_probe_is_ridge_regression_of_penalty_one():
    """Seven problems in two dimensions of unequal spread: there the penalty turns the normal."""
    features = np.array([[4, 1], [-3, 1.5], [2, 0.5], [5, -1], [-4, 0.2], [1, -1.2], [-5, -1]])
    labels = np.array([True, True, True, True, False, False, False])
    centred = features - features.mean(0)
    standard = centred / np.sqrt(centred.var(0).mean())
    probe = logistic_probe(features[:, None], labels)[0]
    assert cosine(probe, ridge_logistic(standard, labels, 1.0)) == pytest.approx(1, abs=1e-8)
    assert cosine(probe, ridge_logistic(standard, labels, 2.0)) < 0.999
    length = np.linalg.norm(features[labels].mean(0) - features[~labels].mean(0))
    assert np.linalg.norm(probe) == pytest.approx(length)


@pytest.mark.parametrize(
    ("activations", "labels", "message"),
    [
        (np.zeros((4, 3)), np.ones(4), "must be"),
        (np.zeros((4, 3, 2)), np.ones(3), "labels of shape"),
        (np.full((2, 3, 2), np.nan), np.array([0, 1]), "NaN"),
        (np.zeros((2, 3, 2)), np.ones(2), "2 right and 0 wrong"),
    ],
)
def test_refusals(activations, labels, message):
    with pytest.raises(UserError, match=message):
        mean_difference(activations, labels)


def test_matched_needs_strata_with_both_classes():
    activations, labels = np.zeros((2, 1, 1)), np.array([True, False])
    with pytest.raises(UserError, match="stratum per problem"):
        mean_difference_matched(activations, labels)
    with pytest.raises(UserError, match="no stratum holds both"):
        mean_difference_matched(activations, labels, strata=np.array([0, 1]))


@given(st.integers(0, 2**32 - 1))
def test_control_norms(seed):
    rng = np.random.default_rng(seed)
    direction = rng.standard_normal((6, 5)) * np.arange(1, 7)[:, None]
    norms = np.linalg.norm(direction, axis=1)
    per_position = random_per_position(direction, rng)
    np.testing.assert_allclose(np.linalg.norm(per_position, axis=1), norms)
    total = random_total_norm(direction, rng)
    np.testing.assert_allclose(np.linalg.norm(total), np.linalg.norm(direction))
    np.testing.assert_allclose(np.linalg.norm(with_norms_of(direction, total), axis=1), norms)


def test_controls_depend_on_the_seed_alone():
    direction = np.ones((2, 3))
    for control in CONTROLS.values():
        first = control(direction, np.random.default_rng(5))
        np.testing.assert_array_equal(first, control(direction, np.random.default_rng(5)))
        assert not np.allclose(first, control(direction, np.random.default_rng(6)))


def test_shuffled_labels_keep_counts_within_strata():
    labels = np.arange(100) % 3 == 0
    strata = np.arange(100) // 50
    shuffled = shuffled_labels(labels, np.random.default_rng(0), strata=strata)
    assert not np.array_equal(shuffled, labels)
    for level in (0, 1):
        assert shuffled[strata == level].sum() == labels[strata == level].sum()


def test_a_component_is_as_long_as_one_standard_deviation_along_itself():
    # Four points on a line along (3, 4)/5, at 0, 1, 2 and 5: variance 14/3 with n − 1.
    places = np.array([0.0, 1.0, 2.0, 5.0])
    activations = (places[:, None] * np.array([0.6, 0.8]))[:, None, :]
    found = first_principal_component(activations, np.array([False, False, True, True]))
    np.testing.assert_allclose(found, np.sqrt(14 / 3) * np.array([[0.6, 0.8]]), rtol=1e-12)


@pytest.mark.parametrize("n", [12, 60])  # fewer and more problems than dimensions
def test_shrinkage_lda_is_ledoit_and_wolf_problem_by_problem(n):
    rng = np.random.default_rng(5)
    d = 20
    activations = rng.standard_normal((n, 1, d)) * np.linspace(0.2, 3, d)
    labels = np.arange(n) % 3 == 0
    x = activations[:, 0]
    residuals = [row - x[labels == label].mean(0) for row, label in zip(x, labels, strict=True)]
    outer = [np.outer(row, row) for row in residuals]
    sample = sum(outer) / n
    target = np.trace(sample) / d * np.eye(d)
    error = sum(np.sum((one - sample) ** 2) for one in outer) / n**2
    share = min(error / np.sum((sample - target) ** 2), 1)
    assert 0 < share < 1
    difference = x[labels].mean(0) - x[~labels].mean(0)
    normal = np.linalg.inv(share * target + (1 - share) * sample) @ difference
    expected = normal / np.linalg.norm(normal) * np.linalg.norm(difference)
    np.testing.assert_allclose(shrinkage_lda(activations, labels)[0], expected, rtol=1e-8)
    assert cosine(expected, difference) < 0.99  # so a mean difference would fail above


def test_shrinkage_lda_without_spread_is_the_mean_difference():
    labels = np.array([True, False, True, False])
    activations = labels[:, None, None] * np.ones((1, 2, 3))
    np.testing.assert_array_equal(
        shrinkage_lda(activations, labels), mean_difference(activations, labels)
    )
