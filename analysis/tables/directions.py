"""Directions and latents: norms, components, likeness, and how large a dose is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import words
from analysis.tables.base import CONTEXT, groups, ordered
from analysis.tables.readings import Source, opened, remembered, view

# A cosine matrix is read cell by cell: more rows than this are no longer readable.
MOST_DIRECTIONS = 12
CONTROLS_PER_KIND = 2
_RUN = ["model", "protocol", "dtype", "direction", "site"]
_NORMS = ["norm", "share", "latent_norm", "relative"]


@remembered
def direction_norms(store: Source) -> pd.DataFrame:
    """Norm of each candidate per latent position, and relative to the latents it is added to.

    `norm` and `latent_norm` (mean norm of the baseline's latents, same protocol) are in the
    model's units; `relative` = norm / latent_norm is what alpha = 1 adds; `share` is the position's
    part of the squared norm. One row per direction, protocol it ran under, and position.
    """
    norms = view(store, "norms_by_position")
    baseline = norms[norms["direction"].isna()]
    latent = {
        (row["model"], row["protocol"], row["dtype"], row["position"]): row["mean_before"]
        for row in baseline.to_dict("records")
    }
    used = norms[norms["role"] == "candidate"]
    used = used.drop_duplicates(_RUN)
    vectors = view(store, "named_directions").set_index("name")
    rows = []
    for run in used.to_dict("records"):
        per_position = np.asarray(vectors.loc[run["direction"], "norm_by_position"], dtype=float)
        if not per_position.ndim:  # outcomes tell norms, the direction came without vectors
            continue
        squared = float((per_position**2).sum())
        for position, norm in enumerate(per_position):
            mean = latent.get((run["model"], run["protocol"], run["dtype"], position))
            at_latents = str(run["site"]).startswith("latent") and mean is not None
            rows.append(
                {name: run[name] for name in _RUN}
                | {
                    "position": position,
                    "norm": norm,
                    "share": norm**2 / squared if squared else 0.0,
                    "latent_norm": mean if at_latents else None,
                    "relative": norm / mean if at_latents and mean else None,
                }
            )
    # An imported store has no norms: its table is empty and has its columns all the same.
    frame = pd.DataFrame(rows, columns=[*_RUN, "position", *_NORMS])
    return ordered(frame, ["model", "protocol", "dtype", "direction", "position"])


@remembered
def norms(store: Source) -> pd.DataFrame:
    """How large alpha × direction is beside the latents: one row per candidate and |alpha|.

    `relative_mean`, `relative_max` over positions of |alpha| × `relative` of `direction_norms`.
    """
    table = direction_norms(store)
    doses = view(store, "accuracy_by_alpha")
    doses = doses[doses["role"] == "candidate"]
    rows = []
    for value, index in groups(table, _RUN).items():
        relative = table.iloc[index]["relative"].to_numpy(dtype=float)
        if not np.isfinite(relative).any():
            continue
        same = doses
        for name, wanted in zip(_RUN, value, strict=True):
            same = same[same[name] == wanted]
        for dose in sorted(set(same["alpha"].abs()) - {0.0}):
            rows.append(
                dict(zip(_RUN, value, strict=True))
                | {
                    "dose": dose,
                    "relative_mean": float(np.nanmean(relative)) * dose,
                    "relative_max": float(np.nanmax(relative)) * dose,
                }
            )
    return pd.DataFrame(rows, columns=[*_RUN, "dose", "relative_mean", "relative_max"])


@remembered
def latent_growth(store: Source) -> pd.DataFrame:
    """Mean norm of the steered latents per candidate, alpha and position, over the baseline's."""
    table = view(store, "norms_by_position")
    details = view(store, "condition_details")
    paired_with = dict(zip(details["condition_id"], details["baseline_id"], strict=True))
    baseline = {
        (row["condition_id"], row["position"]): row["mean_before"]
        for row in table[table["direction"].isna()].to_dict("records")
    }
    steered = table[table["role"] == "candidate"].reset_index(drop=True)
    steered = steered.assign(baseline_id=steered["condition_id"].map(paired_with).astype(object))
    keys = zip(steered["baseline_id"], steered["position"], strict=True)
    base = np.array([baseline.get(key, np.nan) for key in keys])
    steered = steered.assign(
        baseline_norm=base,
        ratio=steered["mean_after"] / base,
        alpha_label=steered["alpha"].map(words.alpha),
        sign=np.where(steered["alpha"] < 0, "α < 0", "α > 0"),
    )
    return ordered(steered, [*[c for c in CONTEXT if c in steered], "direction", "alpha"])


@remembered
def direction_components(store: Source, name: str, *, dimensions: int = 50) -> pd.DataFrame:
    """Latent position × the first `dimensions` components of one direction.

    `limit` is the largest absolute value among them: the same for every row.
    """
    vectors = _vectors(store, [name])[name][:, :dimensions]
    position, dimension = np.indices(vectors.shape)
    return pd.DataFrame(
        {
            "direction": name,
            "position": position.ravel(),
            "dimension": dimension.ravel(),
            "value": vectors.ravel(),
            "limit": float(np.abs(vectors).max()) or 1.0,
        }
    )


@remembered
def direction_cosines(store: Source) -> pd.DataFrame:
    """Cosine of every pair of directions of equal shape: candidates and a few controls a kind."""
    table = view(store, "named_directions")
    candidates = sorted(table[table["role"] == "candidate"]["name"])
    chosen = candidates[:MOST_DIRECTIONS]
    for _, kind in table[table["role"] == "control"].sort_values("name").groupby("kind"):
        chosen += list(kind["name"].head(CONTROLS_PER_KIND))
    vectors = _vectors(store, chosen[:MOST_DIRECTIONS])
    shape = max((v.shape for v in vectors.values()), default=(0, 0))
    vectors = {name: v.ravel() for name, v in vectors.items() if v.shape == shape}
    rows = []
    for first, a in vectors.items():
        for second, b in vectors.items():
            scale = float(np.linalg.norm(a) * np.linalg.norm(b))
            cosine = float(a @ b) / scale if scale else 0.0
            rows.append(
                {
                    "first": first,
                    "second": second,
                    "cosine": cosine,
                    "label": words.signed(cosine, 2),
                    "dark": abs(cosine) > 0.7,
                }
            )
    return pd.DataFrame(rows, columns=["first", "second", "cosine", "label", "dark"])


def _vectors(store: Source, names: list[str]) -> dict[str, np.ndarray]:
    """Vectors [positions, dimensions] of the named directions."""
    from store import committed

    table = view(store, "named_directions")
    table = table[table["name"].isin(names)]
    ids = dict(zip(table["direction_id"], table["name"], strict=True))
    by_name: dict[str, dict[int, np.ndarray]] = {name: {} for name in names}
    where = {"direction_id": list(ids)}
    for row in committed(opened(store).path, "direction_vectors", where=where).to_pylist():
        name = ids[row["direction_id"]]
        by_name[name][row["position"]] = np.asarray(row["values"], dtype=np.float64)
    return {
        name: np.stack([vectors[position] for position in sorted(vectors)])
        for name, vectors in by_name.items()
        if vectors
    }
