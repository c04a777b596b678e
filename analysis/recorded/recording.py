"""Tables as rows of `results`: one family of tests per analysis, figures under method names."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analysis import tables
from analysis.statistics.results import (
    NEW_DIRECTIONS,
    NEW_PROBLEMS,
    NO_INFORMATION,
    THESE_PROBLEMS,
)
from analysis.tables.base import CURVE, groups, matching
from analysis.tables.beyond import CLAIMS
from analysis.tables.beyond import RESAMPLES as BEYOND_RESAMPLES
from analysis.tables.beyond import SEED as BEYOND_SEED
from analysis.tables.comparisons import SIGNED
from analysis.tables.logprob import TREND
from analysis.tables.own_controls import PLACE, samples
from analysis.tables.paired import ANYTIME, MCNEMAR
from analysis.tables.paired_means import RESAMPLES
from analysis.tables.paired_means import SEED as MEANS_SEED
from analysis.tables.problems import SEED, refused_doses
from analysis.tables.readings import Readings, view
from analysis.tables.scores import FAMILY as SCORES
from analysis.tables.scores import scores_digest
from analysis.vocabulary import CONFIDENCE, ESTIMAND, AnalysisFamily
from sql.errors import Refusal

RESULT_COLUMNS = [
    "estimate", "low", "high", "level", "p", "p_adjusted", "statistic", "n", "gained", "lost", "k",
    "family_size", "status",
]  # fmt: skip
PRINTED = ["estimate", "low", "high", "p", "p_adjusted", "n", "gained", "lost", "k", "status"]
PRINTED += ["selected_on_outcome", "stamp"]
DIFFERENCE = "accuracy difference"
LOGPROB = "change of the gold answer's log-probability"
SCORE = "change of the score "  # and its name
REFUSED = "refused"
INTEGERS = ("n", "gained", "lost", "k", "family_size")


@dataclass(frozen=True, kw_only=True)
class Tested:
    """An analysis before its id is known: the rows it used and what came out."""

    method: str
    contrast: Mapping[str, Any]
    parameters: Mapping[str, Any]
    conditions: list[str]
    set_name: str | None
    results: list[dict[str, Any]]
    seed: int | None = None
    against_controls: bool = False

    @property
    def statuses(self) -> set[str]:
        """Statuses of the results."""
        return {row["status"] for row in self.results}


def as_json(value: Any) -> str:
    """Canonical JSON: sorted keys, plain numbers, NaN as null."""
    return json.dumps(_json_value(value), sort_keys=True, ensure_ascii=False)


def _json_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _json_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def result(row: Mapping[str, Any], contrast: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """One row of `results` from a row of a table; `fields` overrides what the table says."""
    record: dict[str, Any] = {name: _json_value(row.get(name)) for name in RESULT_COLUMNS}
    record |= {name: _json_value(value) for name, value in fields.items()}
    for name in INTEGERS:
        record[name] = None if record[name] is None else int(record[name])
    selected = bool(row.get("selected_on_outcome"))
    record |= {"contrast": as_json(contrast), "selected_on_outcome": selected}
    record.setdefault("scope", THESE_PROBLEMS if selected else NEW_PROBLEMS)
    return record


def _conditions(store: Readings) -> dict[tuple[Any, ...], list[str]]:
    """Condition ids by what names their curve."""
    frame = view(store, "accuracy_by_alpha")
    ids = frame["condition_id"].to_numpy()
    return {value: sorted(set(ids[index])) for value, index in groups(frame, CURVE).items()}


def _ids(conditions: Mapping[tuple[Any, ...], list[str]], curve: Mapping[str, Any]) -> list[str]:
    """Conditions of one curve, the baseline among them."""
    steered = conditions.get(tuple(curve[name] for name in CURVE), [])
    return sorted({*steered, curve["baseline_id"]})


def refused(method: str, contrast: Mapping[str, Any], reason: str) -> Tested:
    """A statistic that cannot be computed of these rows, as a result of status `refused`.

    Its reason is part of the contrast and of the parameters.
    """
    told = {**contrast, "reason": reason}
    row = result(
        {"status": REFUSED}, told, name="refused", quantity=method, method=method, family=None
    )
    return Tested(
        method=method,
        contrast=told,
        parameters={"contrast": dict(told), "estimand": ESTIMAND},
        conditions=[],
        set_name=None,
        results=[row],
    )


def tested(family: AnalysisFamily, store: Readings) -> list[Tested]:
    """The analyses of a family; one that a statistic refuses is told as refused, with reason."""
    try:
        return TESTS[family](store)
    except Refusal as refusal:
        return [refused(family, {}, str(refusal))]


def alphas(store: Readings) -> list[Tested]:
    """Every alpha of every candidate against its baseline; Holm over the alphas of a direction."""
    table = tables.effects(store)
    table = table[table["role"] == "candidate"].reset_index(drop=True)
    conditions = _conditions(store)
    tested = []
    for value, index in groups(table, CURVE).items():
        curve = dict(zip(CURVE, value, strict=True))
        family = f"alphas of {curve['direction']} on {curve['set_name']}"
        results = [
            record
            for row in table.iloc[index].to_dict("records")
            for record in _pair_results({str(k): v for k, v in row.items()}, curve, family)
        ]
        tested.append(_tested("paired effects", curve, _ids(conditions, curve), results))
    return tested


def _tested(
    method: str,
    curve: Mapping[str, Any],
    conditions: list[str],
    results: list[dict[str, Any]],
    seed: int | None = None,
    **parameters: Any,
) -> Tested:
    return Tested(
        method=method,
        contrast=curve,
        parameters={"contrast": dict(curve), "level": 0.95, "estimand": ESTIMAND, **parameters},
        conditions=conditions,
        set_name=curve["set_name"],
        results=results,
        seed=seed,
    )


def _pair_results(
    row: Mapping[str, Any], curve: Mapping[str, Any], family: str, **extra: Any
) -> list[dict[str, Any]]:
    """The ways to look at one pair of conditions, the primary one first."""
    contrast = {**curve, "kind": row["kind"], "alpha": row["alpha"], **extra}
    at = ", ".join(f"{name}={value}" for name, value in {"alpha": row["alpha"], **extra}.items())
    if row["test"] == ANYTIME and not extra:
        family = f"plan {row['plan_id'][:8]}, {row['stop']}"
    shared = {"quantity": DIFFERENCE, "family": family}
    alone = {"low": None, "high": None, "p_adjusted": None}
    once = row["test"] == MCNEMAR
    method = "McNemar mid-p, Tango" if once else row["test"]
    primary = result(row, contrast, name=f"{at}: primary", method=method, **shared)
    if not once:
        return [primary, *_missing_results(row, contrast, at, family, method)]
    return [
        primary,
        result(
            row, contrast, name=f"{at}: exact", method="McNemar exact", p=row["p_exact"],
            **alone, **shared,
        ),
        result(
            row, contrast, name=f"{at}: sign", method="sign test", p=row["p_sign"],
            **alone, **shared,
        ),
        result(
            row, contrast, name=f"{at}: bootstrap", method="bootstrap over problems, exact",
            low=row["bootstrap_low"], high=row["bootstrap_high"], p=None, p_adjusted=None, **shared,
        ),
        *_missing_results(row, contrast, at, family, method),
    ]  # fmt: skip


def _missing_results(
    row: Mapping[str, Any], contrast: Mapping[str, Any], at: str, family: str, method: str
) -> list[dict[str, Any]]:
    """Complete cases, bounds and unequal missingness: quantities of their own, uncorrected."""
    shared: dict[str, Any] = {"family": family, "p_adjusted": None, "family_size": None}
    undecided = {"gained": None, "lost": None, "estimate": None, "n": row["bound_n"]}
    complete = {
        name: row[f"complete_{name}"]
        for name in ("n", "gained", "lost", "estimate", "low", "high", "p")
    }
    some = "ok" if row["complete_n"] else NO_INFORMATION
    # Counts are pairs and n is problems: a share of one by the other where a problem is one pair.
    share = (row["became_unreadable"] - row["became_readable"]) / row["n"]
    share = share if row["test"] == MCNEMAR else None
    became = {"gained": row["became_unreadable"], "lost": row["became_readable"]}
    return [
        result(
            row, contrast, name=f"{at}: complete cases", quantity=f"{DIFFERENCE}, complete cases",
            method=f"{method}, complete cases", status=some, **complete, **shared,
        ),
        result(
            row, contrast, name=f"{at}: bounds", quantity=f"{DIFFERENCE}, bounds",
            method="every reading of what is unread or missing", low=row["effect_low"],
            high=row["effect_high"], p=None, **undecided, **shared,
        ),
        result(
            row, contrast, name=f"{at}: bounds of limits",
            quantity=f"{DIFFERENCE}, bounds of its limits",
            method=f"every reading of what is unread or missing, {method}", low=row["bound_low"],
            high=row["bound_high"], p=row["bound_p"], **undecided, **shared,
        ),
        result(
            row, contrast, name=f"{at}: unreadable", quantity="unequal missingness",
            method=f"{row['test']} of unread answers", estimate=share, low=None, high=None,
            p=row["p_unreadable"], **became, **shared,
        ),
    ]  # fmt: skip


def controls(store: Readings) -> list[Tested]:
    """Candidates among their control directions, on the effect and on the signed effect."""
    table = tables.controls(store)
    points = tables.control_points(store)
    conditions = _conditions(store)
    tested = []
    columns = [*PLACE, "candidate", "control_kind"]
    for value, index in groups(table, columns).items():
        key = dict(zip(columns, value, strict=True))
        contrast = {**key, "direction": key["candidate"]}
        del contrast["candidate"]
        family = f"controls of {key['candidate']} on {key['set_name']}"
        results = [
            record
            for row in table.iloc[index].to_dict("records")
            for record in _control_results({str(k): v for k, v in row.items()}, contrast, family)
        ]
        of = points[(points["candidate"] == key["candidate"])]
        used = {
            condition
            for name in dict.fromkeys(of["direction"])
            for condition in _ids(conditions, {**{n: key[n] for n in PLACE}, "direction": name})
        }
        compared = _tested("candidate among controls", contrast, sorted(used), results)
        tested.append(replace(compared, against_controls=True))
    return tested


def _control_results(
    row: Mapping[str, Any], place: Mapping[str, Any], family: str
) -> list[dict[str, Any]]:
    contrast = {**place, "alpha": row["alpha"], "quantity": row["quantity"]}
    at = f"{row['quantity']} at {row['alpha']}"
    shared: dict[str, Any] = {"family": family, "scope": NEW_DIRECTIONS, "gained": None}
    shared |= {"lost": None, "p_adjusted": None, "family_size": None}
    quantity = "signed effect" if row["quantity"] == SIGNED else DIFFERENCE
    gap = f"{quantity} − mean of controls"
    return [
        result(
            row, contrast, name=f"{at}: rank", quantity=gap, method="rank among controls",
            estimate=row["difference"], p=row["p_rank"], status=row["rank_status"], **shared,
        ),
        result(
            row, contrast, name=f"{at}: rank, bounds", quantity=f"{gap}, bounds",
            method="rank among controls, every reading of what is unread or missing",
            estimate=None, p=row["p_rank_bound"], status=row["rank_status"], **shared,
        ),
        result(
            row, contrast, name=f"{at}: Crawford–Howell", quantity=gap, method="Crawford–Howell",
            estimate=row["difference"], low=row["estimate"] - row["prediction_high"],
            high=row["estimate"] - row["prediction_low"], p=row["p_crawford_howell"],
            statistic=row["t"], **shared,
        ),
        result(
            row, contrast, name=f"{at}: d", quantity="Cohen's d (ddof 1)", method="Cohen's d",
            estimate=row["d"], low=row["d_low"], high=row["d_high"], p=None, **shared,
        ),
        result(
            row, contrast, name=f"{at}: g", quantity="Hedges g", method="Hedges g",
            estimate=row["g"], p=None, **shared,
        ),
    ]  # fmt: skip


def ranks(store: Readings) -> list[Tested]:
    """Candidates among their own controls over all doses: the ranks that a verdict rests on."""
    table = tables.beyond_controls(store)
    conditions = _conditions(store)
    columns = [*PLACE, "candidate", "control_kind"]
    compared = {tuple(one.names[name] for name in columns): one.controls for one in samples(store)}
    tested = []
    for value, index in groups(table, columns).items():
        # A candidate without controls has no kind of them.
        key = tuple(_json_value(cell) for cell in value)
        names = dict(zip(columns, key, strict=True))
        place = {name: names[name] for name in PLACE}
        contrast = {**place, "direction": names["candidate"], "control_kind": names["control_kind"]}
        results = [
            record
            for row in table.iloc[index].to_dict("records")
            for record in _rank_results({str(k): v for k, v in row.items()}, contrast)
        ]
        used = {
            condition
            for direction in (names["candidate"], *compared[key])
            for condition in _ids(conditions, {**place, "direction": direction})
        }
        analysis = _tested(
            "ranks among own controls", contrast, sorted(used), results, BEYOND_SEED,
            resamples=BEYOND_RESAMPLES,
        )  # fmt: skip
        tested.append(replace(analysis, against_controls=True))
    return tested


def _rank_results(row: Mapping[str, Any], place: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The three ranks of one claim, the largest of them corrected, its bounds, and the limit."""
    contrast = {**place, "claim": row["claim"]}
    family = f"{row['claim']} on {place['set_name']}, {place['control_kind']} controls"
    shared: dict[str, Any] = {"family": family, "scope": NEW_DIRECTIONS}
    alone = {**shared, "p_adjusted": None, "family_size": None}
    gap = "− mean of controls"
    kinds: list[tuple[str, str, dict[str, Any]]] = [
        ("rank of the effect", f"{DIFFERENCE} {gap}",
         {**alone, "estimate": row["difference"], "p": row["p_effect"]}),
        ("rank of the signed effect", f"signed effect {gap}",
         {**alone, "estimate": _less(row["signed"], row["controls_signed"]), "p": row["p_signed"]}),
        ("rank of the share", "share of the signed effect",
         {**alone, "estimate": row["share"], "p": row["p_share"]}),
        ("largest rank", "the three ranks", {**shared, "estimate": None, "p": row["p"]}),
        ("largest rank, bounds", "the three ranks, bounds",
         {**shared, "estimate": None, "p": row["p_bounds"],
          "p_adjusted": row["p_bounds_adjusted"]}),
        ("limit", f"{DIFFERENCE} {gap}, limit",
         {**alone, "estimate": None, "p": None, "level": CONFIDENCE, **_limit(row)}),
    ]  # fmt: skip
    return [
        result(
            row, contrast, name=f"{row['claim']}: {what}", quantity=quantity,
            method=f"{what}, own controls", **fields,
        )
        for what, quantity, fields in kinds
    ]  # fmt: skip


def _less(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _limit(row: Mapping[str, Any]) -> dict[str, float]:
    """How far the candidate may lie beyond its controls: an upper limit, of suppression a lower."""
    limit = row["difference_limit"]
    return {"high": limit} if CLAIMS[row["claim"]] > 0 else {"low": -limit}


def strata(store: Readings) -> list[Tested]:
    """Each candidate by number of steps, and whether the strata differ."""
    table, same = tables.strata(store), tables.homogeneity(store)
    conditions = _conditions(store)
    tested = []
    for value, index in groups(table, CURVE).items():
        curve = dict(zip(CURVE, value, strict=True))
        family = f"alphas and strata of {curve['direction']} on {curve['set_name']}"
        results = [
            _pair_results(
                {str(k): v for k, v in row.items()}, curve, family, stratum=row["stratum"]
            )[0]
            for row in table.iloc[index].to_dict("records")
        ]
        for row in same.to_dict("records"):
            if all(row[name] == curve[name] for name in CURVE):
                results += _homogeneity_results({str(k): v for k, v in row.items()}, curve, family)
        tested.append(_tested("by number of steps", curve, _ids(conditions, curve), results))
    return tested


def _homogeneity_results(
    row: Mapping[str, Any], curve: Mapping[str, Any], family: str
) -> list[dict[str, Any]]:
    contrast = {**curve, "alpha": row["alpha"], "scheme": row["scheme"]}
    at = f"alpha={row['alpha']}: strata differ"
    shared: dict[str, Any] = {"family": family, "estimate": row["range_points"], "k": row["strata"]}
    shared |= {"quantity": "range over strata", "p_adjusted": None, "family_size": None}
    return [
        result(row, contrast, name=f"{at} in odds", method="Fisher–Freeman–Halton",
               p=row["p_odds"], **shared),
        result(row, contrast, name=f"{at} in points", method="heterogeneity of differences",
               p=row["p_points"], **shared),
    ]  # fmt: skip


def curves(store: Readings) -> list[Tested]:
    """Each candidate's curve as a whole: signed effect, damage, trend, best alpha."""
    trends, doses = tables.trends(store), tables.doses(store)
    conditions = _conditions(store)
    tested = []
    for row in trends.to_dict("records"):
        curve = {name: row[name] for name in CURVE}
        contrast = {**curve, "kind": row["kind"]}
        family = f"curve of {curve['direction']} on {curve['set_name']}"
        given = {str(name): value for name, value in row.items()} | {"level": 0.95, "status": "ok"}
        results = [
            result(
                given, contrast, name="trend", quantity="signed slope per unit of alpha",
                method="reflection trend", estimate=row["trend"], low=row["trend_low"],
                high=row["trend_high"], p=row["p_trend"], family=family,
            ),
            result(
                given, {**contrast, "alpha": row["split_alpha"]}, name="best alpha",
                quantity="accuracy difference at the best alpha", method="max-T, split estimate",
                estimate=row["best_estimate"], low=row["best_low"], high=row["best_high"],
                p=row["p_best"], family=family,
            ),
        ]  # fmt: skip
        results += [
            result(
                {**{str(k): v for k, v in dose.items()}, "level": 0.95, "status": "ok"},
                {**contrast, "alpha": dose["dose"]},
                name=f"{dose['quantity']} at {dose['dose']}", quantity=dose["quantity"],
                method="max-T over doses", p=None, p_adjusted=dose["p"], family=family,
                family_size=int(matching(doses, {**curve, "quantity": dose["quantity"]})["n"].size),
            )
            for dose in doses.to_dict("records")
            if all(dose[name] == curve[name] for name in CURVE)
        ]  # fmt: skip
        tested.append(
            _tested("whole curve", contrast, _ids(conditions, curve), results, SEED, resamples=9999)
        )
    return tested + [
        refused("dose response", {name: curve.names[name] for name in CURVE}, reason)
        for curve, reason in refused_doses(store)
    ]


def logprobs(store: Readings) -> list[Tested]:
    """Each candidate's log-probability of the gold answer: alphas, curve, and among controls."""
    table, doses = tables.gold_logprobs(store), tables.logprob_doses(store)
    among = tables.logprob_controls(store)
    table = table[table["role"] == "candidate"].reset_index(drop=True)
    conditions = _conditions(store)
    tested = []
    for value, index in groups(table, CURVE).items():
        curve = dict(zip(CURVE, value, strict=True))
        family = f"log-probability under {curve['direction']} on {curve['set_name']}"
        rows = [*table.iloc[index].to_dict("records")]
        contrast = {**curve, "kind": rows[0]["kind"]}
        results = [_logprob_result(row, contrast, family) for row in rows]
        results += [
            _logprob_dose(row, contrast, family)
            for row in matching(doses, curve).to_dict("records")
        ]
        own = {name: curve[name] for name in PLACE} | {"candidate": curve["direction"]}
        results += [
            _logprob_rank(row, contrast, family) for row in matching(among, own).to_dict("records")
        ]
        used = _ids(conditions, curve)
        compared = {row["control_kind"] for row in matching(among, own).to_dict("records")}
        if compared:
            of = tables.control_points(store)
            of = of[of["candidate"] == curve["direction"]]
            for name in dict.fromkeys(of["direction"]):
                used += _ids(conditions, {**curve, "direction": name})
        tested.append(
            _tested(
                "gold log-probability", contrast, sorted(set(used)), results, MEANS_SEED,
                resamples=RESAMPLES, outcome=LOGPROB,
            )
        )  # fmt: skip
    return tested


def _logprob_result(
    row: Mapping[Any, Any], contrast: Mapping[str, Any], family: str
) -> dict[str, Any]:
    return result(
        row, {**contrast, "alpha": row["alpha"]}, name=f"alpha={row['alpha']}", quantity=LOGPROB,
        method="sign flips of problems, t interval", family=family,
    )  # fmt: skip


def _logprob_dose(
    row: Mapping[Any, Any], contrast: Mapping[str, Any], family: str
) -> dict[str, Any]:
    given = {**row, "level": 0.95, "status": "ok"}
    if row["quantity"] == TREND:
        return result(
            given, contrast, name="trend", quantity=f"{LOGPROB}, signed slope per unit of alpha",
            method="reflection trend", family=family,
        )  # fmt: skip
    return result(
        given, {**contrast, "alpha": row["dose"]}, name=f"{row['quantity']} at {row['dose']}",
        quantity=f"{LOGPROB}, {row['quantity']}", method="max-T over doses", p=None,
        p_adjusted=row["p"], family=family,
    )  # fmt: skip


def _logprob_rank(
    row: Mapping[Any, Any], contrast: Mapping[str, Any], family: str
) -> dict[str, Any]:
    return result(
        row, {**contrast, "alpha": row["alpha"], "control_kind": row["control_kind"]},
        name=f"{row['quantity']} at {row['alpha']} among {row['control_kind']}: rank",
        quantity=f"{LOGPROB}, {row['quantity']} − mean of controls",
        method="rank among controls", estimate=row["difference"], low=None, high=None,
        p=row["p_rank"], status=row["rank_status"], scope=NEW_DIRECTIONS, family=family,
    )  # fmt: skip


def scores(store: Readings) -> list[Tested]:
    """Each candidate's continuous outcomes, one analysis per curve and score."""
    table = tables.scores(store)
    table = table[table["role"] == "candidate"].reset_index(drop=True)
    conditions = _conditions(store)
    tested = []
    for value, index in groups(table, SCORES).items():
        names = dict(zip(SCORES, value, strict=True))
        score = names.pop("score")
        rows = table.iloc[index]
        contrast = {**names, "kind": rows["kind"].iloc[0]}
        family = f"{score} under {names['direction']} on {names['set_name']}"
        results = [
            result(
                {str(name): value for name, value in row.items()},
                {**contrast, "alpha": row["alpha"]}, name=f"alpha={row['alpha']}",
                quantity=f"{SCORE}{score}",
                method="sign flips of problems, t interval", family=family,
            )
            for row in rows.to_dict("records")
        ]  # fmt: skip
        tested.append(
            _tested(
                "continuous outcome", contrast, _ids(conditions, names), results, MEANS_SEED,
                resamples=RESAMPLES, outcome=score, scores=scores_digest(store, rows),
            )
        )  # fmt: skip
    return tested


TESTS: dict[AnalysisFamily, Callable[[Readings], list[Tested]]] = {
    "alphas": alphas,
    "controls": controls,
    "ranks": ranks,
    "strata": strata,
    "curves": curves,
    "logprobs": logprobs,
    "scores": scores,
}
