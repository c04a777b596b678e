"""Captions: what a reader must know to read a figure, with n, test, interval and correction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.tables import labels
from analysis.tables.comparisons import EFFECT

SELECTED = (
    "SELECTED ON OUTCOME: the problems were chosen by the model's own baseline outcomes, which "
    "fixes the baseline by construction; noise then looks like an effect (regression to the mean), "
    "so no test against this baseline is evidence."
)
PAIRED = (
    "Test: McNemar mid-p on the discordant pairs, corrected by Holm over the {m} alphas of a "
    "direction. Interval: 95 % Tango score."
)


@dataclass(frozen=True, kw_only=True)
class About:
    """What all captions of one problem set share."""

    where: str
    pairs: str
    alphas: int
    stamp: str

    @classmethod
    def of(cls, context: Mapping[str, Any], curves: pd.DataFrame, selected: bool) -> About:
        """From the rows of `tables.accuracy_curves` of the set."""
        steered = curves[curves["alpha"] != 0]
        low, high = int(steered["n"].min()), int(steered["n"].max())
        size = f"n = {high}" if low == high else f"n = {low}–{high}"
        return cls(
            where=f"{context['set_name']} set, {context['protocol']} protocol",
            pairs=f"{size} pairs of the {context['set_name']} set ({context['protocol']} protocol)",
            alphas=int(steered["family_size"].max()),
            stamp=SELECTED if selected else "",
        )

    @property
    def test(self) -> str:
        """The paired test in one sentence."""
        return PAIRED.format(m=self.alphas)


def accuracy(about: About, band: pd.DataFrame) -> str:
    """Caption of the curve over alpha."""
    text = (
        f"Accuracy over the steering dose α; {about.pairs}. Lines: candidate directions. Shading: "
        "95 % Tango interval of the paired difference, moved to the baseline (dashed)."
    )
    if len(band):
        k = ", ".join(f"{int(k)}" for k in dict.fromkeys(band["k"]))
        text += (
            f" Grey bars: 95 % prediction interval of one further control direction (k = {k}), "
            "with their mean."
        )
    return text


def controls(about: About, compared: pd.DataFrame) -> str:
    """Caption of the controls strip, with d, Crawford–Howell and rank p of each candidate."""
    text = (
        f"Each dot is a control direction ({about.pairs}); grey: 95 % prediction interval of one "
        "further control, line: their mean. Signed: [f(α) − f(−α)]/2, free of damage by either "
        "sign."
    )
    said = []
    for row in compared.to_dict("records"):
        dose = (
            f"α = {labels.alpha(row['alpha'])}"
            if row["quantity"] == EFFECT
            else f"signed, |α| = {row['alpha']:g}"
        )
        few = " (too few controls)" if row["rank_status"] == "too_few_controls" else ""
        said.append(
            f"{row['candidate']} at {dose}: d = {labels.signed(row['d'], 2)}, Crawford–Howell "
            f"{labels.p_is(row['p_crawford_howell'])}, rank "
            f"{labels.p_is(row['p_rank'])}{few} (k = {int(row['k'])})"
        )
    return f"{text} {'; '.join(said)}."


def forest(about: About) -> str:
    """Caption of the forest plot."""
    return (
        "Paired difference to the baseline at every α, with the discordant pairs (gained/lost) "
        f"and the corrected p; {about.pairs}. {about.test}"
    )


def transitions(about: About) -> str:
    """Caption of the transitions."""
    return (
        "What became of the problems at each α: stayed right, gained (wrong to right), lost (right "
        f"to wrong), stayed wrong; missing: an answer could not be parsed. {about.pairs}."
    )


def strata(about: About, homogeneity: pd.DataFrame) -> str:
    """Caption of the strata, with the smallest homogeneity p."""
    text = (
        "Accuracy (top) and paired difference with its 95 % Tango interval (middle) by number of "
        "reasoning steps, and discordant pairs (gained/lost) at whole doses (bottom); "
        f"{about.pairs}."
    )
    tested = homogeneity[homogeneity["p_odds"].notna()]
    if len(tested):
        text += (
            " Strata differ in the odds gained:lost (Fisher–Freeman–Halton, uncorrected) at "
            f"{int((tested['p_odds'] <= 0.05).sum())} of {len(tested)} doses, in points at "
            f"{int((tested['p_points'] <= 0.05).sum())}."
        )
    return text


def doses(about: About, trends: pd.DataFrame) -> str:
    """Caption of signed effect against damage."""
    said = "; ".join(
        f"{row['direction']}: {labels.points(row['trend'], 2)} points per unit of α "
        f"{labels.interval(row['trend_low'], row['trend_high'], 2)}, reflection "
        f"{labels.p_is(row['p_trend'])}"
        for row in trends.to_dict("records")
    )
    return (
        "Signed effect [f(a) − f(−a)]/2, what the direction means, against damage "
        f"[f(a) + f(−a)]/2 − f(0), what any push does; {about.pairs}. Shading: 95 % limits that "
        f"hold for all doses at once (max-T). Trend of the signed effect: {said}."
    )


def problems(about: About, direction: str) -> str:
    """Caption of the grid of problems."""
    return (
        f"Every problem (row) at every α (column) under {direction}, sorted within the number of "
        f"steps by how often it is right; α = 0 is the baseline. {about.pairs}."
    )


def components(name: str, table: pd.DataFrame) -> str:
    """Caption of a direction's heatmap."""
    return (
        f"Direction {name}: latent position by the first {table['dimension'].max() + 1} "
        "dimensions, in the model's units."
    )


def norms() -> str:
    """Caption of the directions' norms."""
    return (
        "Norm of each candidate direction by latent position (left), and relative to the mean norm "
        "of the baseline's latents there (right): what α = 1 adds."
    )


def cosines() -> str:
    """Caption of the cosine matrix."""
    return "Cosine between directions, all latent positions as one vector."


def latents() -> str:
    """Caption of the latents' norms."""
    return (
        "Mean norm of the latents after steering over the baseline's mean norm, by latent position "
        "and α; all problems that were run."
    )


def power(table: pd.DataFrame) -> str:
    """Caption of the power curves."""
    return (
        "Exact power of the two-sided McNemar mid-p test at level .05 over the number of problems, "
        f"for true differences as labelled and {labels.percent(table['discordance'].iloc[0])} "
        "discordant pairs (the median of this store's candidates). Dashed: 80 %."
    )
