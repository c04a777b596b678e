"""Built-in ways to fit a direction: functions of activations and labels, in one registry.

Every fit takes activations [n, T, d] and labels [n] (True is right), computes in float64 and
returns vectors [T, d] that point from wrong to right. A new kind of direction needs none of this:
it enters the store as rows (`steerstat directions add`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from sql.errors import UserError

Array = NDArray[Any]

# Ridge penalty of the probe, on features of mean variance 1: strong enough to be well defined
# where there are more dimensions than problems.
PROBE_PENALTY = 1.0


def _checked(activations: Array, labels: Array) -> tuple[Array, NDArray[np.bool_]]:
    activations = np.asarray(activations, dtype=np.float64)
    labels = np.asarray(labels)
    if activations.ndim != 3:
        raise UserError(f"activations must be [problems, T, d], found shape {activations.shape}")
    if labels.shape != activations.shape[:1]:
        raise UserError(f"{len(activations)} activations, but labels of shape {labels.shape}")
    if not np.isfinite(activations).all():
        raise UserError("activations hold NaN or infinite values: extract them again")
    labels = labels.astype(bool)
    if labels.all() or not labels.any():
        raise UserError(
            f"a fit needs right and wrong problems, found {int(labels.sum())} right and "
            f"{int((~labels).sum())} wrong"
        )
    return activations, labels


def mean_difference(activations: Array, labels: Array, *, strata: Array | None = None) -> Array:
    """mean(right) - mean(wrong) at each position.

    Args:
        activations: [n, T, d].
        labels: bool [n], True is right.
        strata: not used; present because every fit is called alike.

    Returns:
        [T, d], float64.

    Raises:
        UserError: shapes do not agree, a value is not finite, or one class is empty.

    References:
        Marks & Tegmark (2023), "The Geometry of Truth", section 5.
    """
    activations, labels = _checked(activations, labels)
    return activations[labels].mean(0) - activations[~labels].mean(0)


def mean_difference_matched(
    activations: Array, labels: Array, *, strata: Array | None = None
) -> Array:
    """The mean difference within each stratum, averaged over strata.

    A stratum weighs n_right * n_wrong / (n_right + n_wrong), the inverse variance of its
    difference; one that holds a single class says nothing and weighs zero. What differs between
    strata (difficulty, above all) cancels.

    Args:
        activations: [n, T, d].
        labels: bool [n], True is right.
        strata: [n], any values that can be compared.

    Returns:
        [T, d], float64.

    Raises:
        UserError: no strata given, or none of them holds both classes.
    """
    activations, labels = _checked(activations, labels)
    if strata is None or np.shape(strata) != labels.shape:
        raise UserError("a matched fit needs one stratum per problem, e.g. --strata n_steps")
    strata = np.asarray(strata)
    total, weight = np.zeros(activations.shape[1:]), 0.0
    for level in np.unique(strata):
        right, wrong = labels & (strata == level), ~labels & (strata == level)
        n_right, n_wrong = int(right.sum()), int(wrong.sum())
        if n_right and n_wrong:
            share = n_right * n_wrong / (n_right + n_wrong)
            total += share * (activations[right].mean(0) - activations[wrong].mean(0))
            weight += share
    if not weight:
        raise UserError("no stratum holds both right and wrong problems: nothing to match within")
    return total / weight


def first_principal_component(
    activations: Array, labels: Array, *, strata: Array | None = None
) -> Array:
    """The first principal component of all activations, at each position.

    It takes the sign on which right problems lie, and the length of one standard deviation
    along itself, so that alpha = 1 is a push of typical size.

    Returns:
        [T, d], float64.
    """
    activations, labels = _checked(activations, labels)
    difference = mean_difference(activations, labels)
    out = np.empty_like(difference)
    for t in range(activations.shape[1]):
        centred = activations[:, t] - activations[:, t].mean(0)
        _, singular, components = np.linalg.svd(centred, full_matrices=False)
        sign = 1.0 if components[0] @ difference[t] >= 0 else -1.0
        out[t] = sign * components[0] * singular[0] / np.sqrt(len(centred) - 1)
    return out


def _probe(features: Array, labels: NDArray[np.bool_]) -> Array:
    """Weights of a ridge-penalised logistic regression on features [n, d]."""
    # One scale for all dimensions: a scale of its own for each would bend the normal towards
    # the dimensions that hardly vary.
    centred = features - features.mean(0)
    standard = centred / (np.sqrt(centred.var(0).mean()) or 1.0)
    target = np.where(labels, 1.0, -1.0)

    def loss(parameters: Array) -> tuple[float, Array]:
        """Penalised logistic loss and its gradient."""
        weights, bias = parameters[:-1], parameters[-1]
        margin = target * (standard @ weights + bias)
        value = np.logaddexp(0, -margin).sum() + 0.5 * PROBE_PENALTY * (weights @ weights)
        # 1 / (1 + exp(margin)), without overflow
        slope = -target * np.exp(-np.logaddexp(0, margin))
        gradient = np.append(standard.T @ slope + PROBE_PENALTY * weights, slope.sum())
        return float(value), gradient

    start = np.zeros(features.shape[1] + 1)
    optimum = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    return np.asarray(optimum.x[:-1])


def logistic_probe(activations: Array, labels: Array, *, strata: Array | None = None) -> Array:
    """The normal of a logistic probe for right against wrong, at each position.

    Weights carry a ridge penalty; the normal is returned with the length of the mean difference
    at that position, because the length of a probe's weights is a matter of its penalty, not of
    the activations.

    Returns:
        [T, d], float64.
    """
    activations, labels = _checked(activations, labels)
    difference = mean_difference(activations, labels)
    out = np.empty_like(difference)
    for t in range(activations.shape[1]):
        weights = _probe(activations[:, t], labels)
        length = np.linalg.norm(weights)
        unit = weights / length if length > 0 else weights
        out[t] = unit * np.linalg.norm(difference[t])
    return out


def _shrunk_covariance(residuals: Array) -> Array:
    """Ledoit and Wolf's covariance of centred residuals [n, d]."""
    n, d = residuals.shape
    sample = residuals.T @ residuals / n
    target = np.trace(sample) / d * np.eye(d)
    distance = np.sum((sample - target) ** 2)
    error = (np.sum(np.sum(residuals**2, 1) ** 2) / n - np.sum(sample**2)) / n
    share = min(max(error, 0.0) / distance, 1.0) if distance > 0 else 0.0
    return np.asarray(share * target + (1 - share) * sample)


def shrinkage_lda(activations: Array, labels: Array, *, strata: Array | None = None) -> Array:
    """The normal of linear discriminant analysis, at each position.

    The covariance is that within classes, shrunk towards a multiple of the identity by the share
    that Ledoit and Wolf derive from the activations themselves; the normal has the length of the
    mean difference at that position.

    Returns:
        [T, d], float64.

    References:
        Ledoit & Wolf (2004), "A well-conditioned estimator for large-dimensional covariance
        matrices", section 3.
    """
    activations, labels = _checked(activations, labels)
    difference = mean_difference(activations, labels)
    means = np.where(
        labels[:, None, None], activations[labels].mean(0), activations[~labels].mean(0)
    )
    out = difference.copy()
    for t in range(activations.shape[1]):
        covariance = _shrunk_covariance(activations[:, t] - means[:, t])
        if np.trace(covariance) > 0:  # without spread within classes it is the mean difference
            normal = np.linalg.lstsq(covariance, difference[t], rcond=None)[0]
            length = np.linalg.norm(normal)
            if length > 0:
                out[t] = normal / length * np.linalg.norm(difference[t])
    return out


UNLABELLED = ("first_principal_component",)  # fits that no label takes part in but for the sign

FITS: dict[str, Callable[..., Array]] = {
    "mean_difference": mean_difference,
    "mean_difference_matched": mean_difference_matched,
    "first_principal_component": first_principal_component,
    "logistic_probe": logistic_probe,
    "shrinkage_lda": shrinkage_lda,
}
