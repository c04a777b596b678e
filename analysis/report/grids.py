"""The tables of a report as text: rounded here, and only here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis import words
from analysis.figures import named_query, shown
from analysis.report.document import Grid
from analysis.report.verdicts import Verdict
from analysis.tables.comparisons import dose_name

OUTCOME = "Right: a readable right answer; one that cannot be read is not right."


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dictionaries."""
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def doubted(verdict: Verdict, doubts: Mapping[Verdict, Sequence[str]]) -> tuple[str, str]:
    """A verdict and its reason, with the findings of the audit that would change it."""
    if verdict not in doubts:
        return verdict.verdict, verdict.reason
    would = f" The audit: {', '.join(doubts[verdict])} would change it."
    return f"{verdict.verdict}, doubted by the audit", verdict.reason + would


def verdict_grid(
    verdicts: list[Verdict],
    name: str,
    context: Mapping[str, Any],
    doubts: Mapping[Verdict, Sequence[str]],
) -> Grid:
    """The verdicts of a section as a table; `doubts` are findings of the audit that decide it."""
    said = {v: doubted(v, doubts) for v in verdicts}
    return Grid(
        name=name,
        title="Verdicts",
        head=["Question", "Direction", "Verdict", "Stamp", "Reason"],
        rows=[
            [
                v.claim,
                v.series,
                said[v][0] + (", selected on outcome" if v.selected_on_outcome else ""),
                v.stamp,
                said[v][1],
            ]
            for v in verdicts
        ],
        sql=shown("behind_verdicts", context),
    )


def effects_grid(
    effects: pd.DataFrame, name: str, title: str, context: Mapping[str, Any], stamp: str = ""
) -> Grid:
    """Accuracy and paired difference at every alpha, all tests side by side."""
    rows = []
    for row in records(effects):
        rows.append(
            [
                row["series"],
                words.alpha(row["alpha"]),
                words.count(row["n"]),
                words.percent(row["baseline_accuracy"]),
                words.percent(row["accuracy"]),
                words.count(row["gained"]),
                words.count(row["lost"]),
                words.points(row["estimate"]),
                words.interval(row["low"], row["high"]),
                words.interval(row["bootstrap_low"], row["bootstrap_high"]),
                words.p_value(row["p"]),
                words.p_value(row["p_adjusted"]),
                words.p_value(row["p_exact"]),
            ]
        )
    once = effects[effects["stop"].isna()]
    families = ", ".join(str(int(m)) for m in dict.fromkeys(once["family_size"]))
    note = (
        f"Test: McNemar mid-p, Holm over the {families} alphas of a direction. Bootstrap: the "
        "exact distribution of resampling problems. "
        if len(once)
        else ""
    )
    if len(once) < len(effects):
        note += "Ended by a plan: its e-value's p and its confidence sequence, and nothing else."
    return Grid(
        name=name,
        title=title,
        head=["Direction", "α", "Pairs", "Baseline", "Steered", "Gained", "Lost",
              "Difference (points)", "95 % Tango", "95 % bootstrap", "p (mid-p)", "p (Holm)",
              "p (exact, sign test)"],
        rows=rows,
        note=f"{OUTCOME} {note}".strip(),
        sql=shown("behind_effects", context),
        stamp=stamp,
    )  # fmt: skip


def ends_grid(ends: pd.DataFrame, name: str, context: Mapping[str, Any], stamp: str = "") -> Grid:
    """The contrasts that a sequential plan ended: where, why, and what they decided."""
    plans = ", ".join(f"{one[:8]} ({m} tests)" for one, m in _plans(ends))
    return Grid(
        name=name,
        title="Contrasts that a plan ended",
        head=["Direction", "α", "End", "After", "Planned", "Pairs", "Gained", "Lost",
              "Difference (points)", "95 % sequence", "p (any look)", "p (Holm, plan)"],
        rows=[
            [
                row["series"], words.alpha(row["alpha"]), row["stop"],
                words.count(row["stopped_at"]), words.count(row["planned_n"]),
                words.count(row["n"]), words.count(row["gained"]), words.count(row["lost"]),
                words.points(row["estimate"]),
                words.interval(row["low"], row["high"]), words.p_value(row["p"]),
                words.p_value(row["p_adjusted"]),
            ]
            for row in records(ends)
        ],
        note=f"Plan {plans}: p = 1/e of the e-value holds at any look, Holm over all tests of the "
        "plan; futile never rejects. The interval is a confidence sequence. What ended before the "
        "last problem is not ranked among controls, and its curve is not tested.",
        sql=shown("behind_ends", context),
        stamp=stamp,
    )  # fmt: skip


def _plans(ends: pd.DataFrame) -> list[tuple[str, int]]:
    found = zip(ends["plan_id"], ends["family_size"], strict=True)
    return list(dict.fromkeys((str(one), int(size)) for one, size in found))


def parts_grid(parts: pd.DataFrame) -> Grid:
    """What was covered in part and is in no other table."""
    return Grid(
        name="parts",
        title="Covered in part, and left out",
        head=["Direction", "α", "Test set", "Outcomes", "Problems", "Why"],
        rows=[
            [
                row["direction"] or f"{words.count(row['directions'])} {row['kind']}",
                words.alpha(row["alpha"]), row["where"],
                words.count(row["n"]), words.count(row["set_size"]), row["why"],
            ]
            for row in records(parts)
        ],
        note="Outcomes for some problems of a set, where no plan ended the condition: which "
        "problems they are may depend on anything, so nothing is tested.",
        sql=named_query("coverage"),
    )  # fmt: skip


def numbers_grid(
    effects: pd.DataFrame, controls: pd.DataFrame, name: str, title: str, stamp: str = ""
) -> Grid:
    """The few numbers that a paper prints of one curve: its ends, and where it moves most.

    Takes its rows of `effects` and, of the effect, those of `controls`.
    """
    of = effects.sort_values("alpha").reset_index(drop=True)
    most = int(of["estimate"].abs().to_numpy(dtype=float).argmax())
    rows = []
    for row in records(of.iloc[sorted({0, most, len(of) - 1})]):
        own = records(controls[controls["alpha"] == row["alpha"]])
        rows.append(
            [
                words.alpha(row["alpha"]),
                words.percent(row["baseline_accuracy"]),
                words.percent(row["accuracy"]),
                f"{words.points(row['estimate'])} {words.interval(row['low'], row['high'])}",
                words.moved(row["gained"], row["lost"]),
                words.p_value(row["p_adjusted"]),
                "; ".join(
                    f"{words.points(one['controls_mean'])} (k = {words.count(one['k'])})"
                    for one in own
                )
                or words.MISSING,
                "; ".join(words.p_value(one["p_rank"]) for one in own) or words.MISSING,
            ]
        )
    sizes = "–".join(dict.fromkeys([words.count(of["n"].min()), words.count(of["n"].max())]))
    return Grid(
        name=name,
        title=title,
        head=["α", "Baseline", "Steered", "Difference (points) [95 %]", "Gained/lost", "p (Holm)",
              "Mean of controls", "p (rank)"],
        rows=rows,
        note=f"{sizes} pairs; {words.counted(len(of), 'dose')} were run.",
        stamp=stamp,
    )  # fmt: skip


def sections_grid(
    sections: pd.DataFrame, name: str, context: Mapping[str, Any], stamp: str = ""
) -> Grid:
    """Every candidate and alpha, corrected over all of the section."""
    rows = [
        [
            row["series"],
            words.alpha(row["alpha"]),
            words.count(row["n"]),
            words.points(row["estimate"]),
            words.p_value(row["p"]),
            words.p_value(row["p_section"]),
        ]
        for row in records(sections)
    ]
    sizes = ", ".join(str(int(m)) for m in dict.fromkeys(sections["family_size"]))
    return Grid(
        name=name,
        title="All candidates of this section at once",
        head=["Direction", "α", "Pairs", "Difference (points)", "p (mid-p)", "p (max-T)"],
        rows=rows,
        note=f"Step-down max-T over the {sizes} doses of all candidates, signs flipped by problem.",
        sql=shown("behind_effects", context),
        stamp=stamp,
    )


def controls_grid(
    controls: pd.DataFrame, name: str, context: Mapping[str, Any], stamp: str = ""
) -> Grid:
    """Each candidate among its own controls: the rank first, Crawford–Howell beside it."""
    rows = []
    for row in records(controls):
        few = " (too few controls)" if row["rank_status"] == "too_few_controls" else ""
        rows.append(
            [
                row["series"],
                dose_name(row["quantity"], row["alpha"]),
                f"{int(row['k'])} {row['control_kind']}",
                words.count(row["n"]),
                words.points(row["estimate"]),
                words.points(row["controls_mean"]),
                words.count(row["beyond"]),
                words.p_value(row["p_rank"]) + few,
                words.interval(row["order_low"], row["order_high"]),
                words.p_from_controls(row["p_crawford_howell"], row["k"]),
                words.p_value(row["p_normal"]),
                words.interval(row["prediction_low"], row["prediction_high"]),
                f"{words.signed(row['d'], 2)} [{words.signed(row['d_low'], 2)}, "
                f"{words.signed(row['d_high'], 2)}]",
                words.signed(row["g"], 2),
            ]
        )
    why = " ".join(dict.fromkeys(row["why"] for row in records(controls) if row["why"]))
    return Grid(
        name=name,
        title="Candidates among their own control directions",
        head=["Candidate", "Quantity", "Controls", "Problems", "Effect (points)",
              "Mean of controls",
              "Controls beyond it", "p (rank)", "Interval by order", "p (Crawford–Howell)",
              "p (normality)", "95 % prediction interval", "Cohen's d", "Hedges g"],
        rows=rows,
        note="One observation among a sample of directions of the same norm and construction, "
        "drawn independently and searched alike: both tests assume so. The rank cannot fall below "
        "2/(k + 1). Crawford–Howell and the prediction interval assume normal controls (p of "
        "Shapiro–Wilk); a p below 1/(k + 1) is not printed. Signed effect: [f(α) − f(−α)]/2. d has "
        "ddof = 1, its interval agrees with Crawford–Howell." + (f" {why}" if why else ""),
        sql=shown("behind_controls", context),
        stamp=stamp,
    )  # fmt: skip


def transitions_grid(
    transitions: pd.DataFrame, name: str, context: Mapping[str, Any], stamp: str = ""
) -> Grid:
    """The 2×2 of every direction and alpha."""
    counts = ["stayed_right", "gained", "lost", "stayed_wrong", "missing"]
    return Grid(
        name=name,
        title="Transitions",
        head=["Direction", "α", "Stayed right", "Gained", "Lost", "Stayed wrong", "Missing"],
        rows=[
            [row["series"], words.alpha(row["alpha"]), *(words.count(row[c]) for c in counts)]
            for row in records(transitions)
        ],
        note="Problems. An answer that cannot be read is not right; missing: either outcome is an "
        "error.",
        sql=shown("behind_transitions", context),
        stamp=stamp,
    )


def strata_grid(
    strata: pd.DataFrame, name: str, context: Mapping[str, Any], stamp: str = ""
) -> Grid:
    """Effects by number of steps."""
    return Grid(
        name=name,
        title="By number of reasoning steps",
        head=["Direction", "α", "Stratum", "Pairs", "Baseline", "Steered", "Gained", "Lost",
              "Difference (points)", "95 % Tango", "p (mid-p)", "p (Holm)"],
        rows=[
            [
                row["series"], words.alpha(row["alpha"]), row["stratum_label"],
                words.count(row["n"]), words.percent(row["baseline_accuracy"]),
                words.percent(row["accuracy"]), words.count(row["gained"]),
                words.count(row["lost"]), words.points(row["estimate"]),
                words.interval(row["low"], row["high"]),
                words.p_value(row["p"]), words.p_value(row["p_adjusted"]),
            ]
            for row in records(strata)
        ],
        note="Holm over the alphas and strata of a direction.",
        sql=shown("behind_strata", context),
        stamp=stamp,
    )  # fmt: skip


def homogeneity_grid(
    table: pd.DataFrame, name: str, context: Mapping[str, Any], stamp: str = ""
) -> Grid:
    """Do strata differ? On the scale of odds and of points."""
    return Grid(
        name=name,
        title="Do the strata differ?",
        head=["Direction", "α", "Gained", "Lost", "Range over strata (points)", "p (odds, exact)",
              "p (points)"],
        rows=[
            [
                row["series"], words.alpha(row["alpha"]), words.count(row["gained"]),
                words.count(row["lost"]), words.points(row["range_points"], sign=False),
                words.p_value(row["p_odds"]), words.p_value(row["p_points"]),
            ]
            for row in records(table)
        ],
        note="Odds: homogeneity of gained:lost (Fisher–Freeman–Halton); points: heterogeneity of "
        "the differences. Not corrected for the number of alphas.",
        sql=shown("behind_strata", context),
        stamp=stamp,
    )  # fmt: skip


def trends_grid(
    trends: pd.DataFrame, name: str, context: Mapping[str, Any], stamp: str = ""
) -> Grid:
    """The curve as a whole, and the best alpha with the price of having looked for it."""
    return Grid(
        name=name,
        title="The whole curve, and its best α",
        head=["Direction", "Problems", "Signed slope (points per α)", "95 %", "p (reflection)",
              "Best α", "As usually printed", "On problems that did not choose it", "95 %",
              "p (max-T over alphas)", "Gain of the same search without effect"],
        rows=[
            [
                row["series"], words.count(row["n"]), words.points(row["trend"], 2),
                words.interval(row["trend_low"], row["trend_high"], 2),
                words.p_value(row["p_trend"]), words.alpha(row["best_alpha"]),
                words.points(row["best_naive"]),
                f"{words.points(row['best_estimate'])} (α = {words.alpha(row['split_alpha'])})",
                words.interval(row["best_low"], row["best_high"]),
                words.p_value(row["p_best"]), words.points(row["null_gain"]),
            ]
            for row in records(trends)
        ],
        note="Best α: the most accurate of all. As usually printed: chosen on the problems it is "
        "reported on.",
        sql=shown("behind_problems", context),
        stamp=stamp,
    )  # fmt: skip


def norms_grid(norms: pd.DataFrame) -> Grid:
    """How large a dose is beside the latents it is added to."""
    return Grid(
        name="norms",
        title="Size of α × direction relative to the latents",
        head=["Direction", "Site", "|α|", "Mean over positions", "Largest position"],
        rows=[
            [
                str(series), row["site"], f"{row['dose']:g}",
                words.percent(row["relative_mean"], 0), words.percent(row["relative_max"], 0),
            ]
            for series, row in zip(words.series_labels(norms), records(norms), strict=True)
        ],
        note="Norm of α × direction over the mean norm of the unsteered latents at the position.",
        sql=shown("behind_baseline_norms", {}),
    )  # fmt: skip


def frame_grid(table: pd.DataFrame, name: str, title: str, sql: str = "", note: str = "") -> Grid:
    """Any small table as it is."""
    return Grid(
        name=name,
        title=title,
        head=[str(column).replace("_", " ") for column in table.columns],
        rows=[[_cell(value) for value in row] for row in table.itertuples(index=False, name=None)],
        sql=sql,
        note=note,
    )


def _cell(value: Any) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, list | tuple) or hasattr(value, "tolist"):
        return ", ".join(str(item) for item in value)
    return str(value)
