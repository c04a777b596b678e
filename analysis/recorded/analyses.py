"""Test every contrast of a store and keep the results as rows, traceable to the rows behind them.

An analysis is one family of tests on one curve (or one candidate among its controls). Its id is a
hash of the method, its parameters, the digest of the outcomes it used, the code and the seed: the
same analysis of the same rows has the same id and the same results, and is written once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from analysis import plans, tables
from analysis.recorded import recording
from analysis.recorded.version import code_version
from analysis.tables.base import CURVE, groups
from analysis.tables.left_out import IN_PART
from analysis.tables.readings import Readings, view
from analysis.vocabulary import AnalysisFamily, all_checked
from sql.errors import UserError


class NothingToTest(UserError):
    """A store without steered outcomes that a test takes, or without the contrast asked for."""


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """One family of tests: what was asked, of which rows, and the results."""

    analysis_id: str
    method: str
    parameters: Mapping[str, Any]
    rows_digest: str
    code_version: str
    seed: int | None
    plan_id: str | None
    results: list[dict[str, Any]]


def analyze(
    store: Path | str,
    *,
    families: Sequence[AnalysisFamily] = get_args(AnalysisFamily),
    contrast: Mapping[str, str] | None = None,
    write: bool = True,
) -> list[Analysis]:
    """Test the store's contrasts; write `analyses` and `results` rows that are not there yet.

    Args:
        families: `alphas`: every alpha against the baseline, Holm within a
            direction; `controls`: candidates among their control directions; `ranks`: among their
            own controls over all doses, as verdicts rank them; `strata`: by number of steps;
            `curves`: the curve as a whole (signed effect, damage, trend, best alpha);
            `logprobs`: the same questions of the log-probability of the gold answer; `scores`:
            continuous outcomes against the baseline.
        contrast: Only what has these values in its columns, e.g. ``{"direction":
            "mean_difference"}``.

    Raises:
        UserError: No family, an unknown family or contrast.
        NothingToTest: Nothing in the store to test.
    """
    all_checked(families, AnalysisFamily, "family")
    root = Path(store)
    readings = Readings(root)
    chosen = contrast or {}
    planned = plans.stamps(root)
    analyses = [
        _identified(readings, family, tested, planned)
        for family in families
        for tested in recording.tested(family, readings)
        if recording.REFUSED in tested.statuses or matches(tested.contrast, chosen)
    ]
    if not analyses:
        raise NothingToTest(_nothing(root, chosen))
    if write:
        _write(root, analyses)
    return analyses


def matches(contrast: Mapping[str, Any], chosen: Mapping[str, str]) -> bool:
    """Whether a contrast has the chosen values; an unknown column is the user's error."""
    for name, value in chosen.items():
        if name not in contrast:
            raise UserError(
                f"unknown contrast column {name!r}: one of {', '.join(sorted(contrast))}"
            )
        if str(contrast[name]) != value:
            return False
    return True


def refused_lines(analyses: Sequence[Analysis]) -> list[str]:
    """One line for each statistic that was refused, with its reason."""
    lines = []
    for analysis in analyses:
        for row in analysis.results:
            if row["status"] == recording.REFUSED:
                told = json.loads(row["contrast"])
                place = " ".join(str(told[n]) for n in ("direction", "set_name") if told.get(n))
                of = f" of {place}" if place else ""
                lines.append(f"refused: {analysis.method}{of}: {told['reason']}")
    return lines


def left_out_lines(store: Path | str | Readings, contrast: Mapping[str, str]) -> list[str]:
    """One line for each set and reason for which steered outcomes were not tested.

    Of conditions that do not have the values of `contrast` nothing is said.
    """
    frame = tables.left_out(store)
    for name, value in contrast.items():
        if name in frame.columns:
            frame = frame[[str(cell) == value for cell in frame[name]]]
    lines = []
    for (set_name, reason), index in groups(frame, ["set_name", "reason"]).items():
        rows = frame.iloc[index]
        names = list(dict.fromkeys(rows["direction"]))
        more = f" and {len(names) - 1} more directions" if len(names) > 1 else ""
        part = reason
        if reason == IN_PART:
            least, most = int(rows["n"].min()), int(rows["n"].max())
            of = f"{least}" if least == most else f"{least} to {most}"
            part = f"{of} outcomes of {int(rows['set_size'].iloc[0])} problems, {reason}"
        place = "" if set_name is None else f" on {set_name}"
        lines.append(f"not tested: {len(rows)} conditions of {names[0]}{more}{place}: {part}")
    return lines


def _nothing(root: Path, chosen: Mapping[str, str]) -> str:
    """Why there is nothing to test, in one line."""
    if chosen:
        asked = ", ".join(f"{name}={value}" for name, value in chosen.items())
        return f"no contrast of {root} has {asked}: run `steerstat analyze {root}` to see them all"
    found = "; ".join(left_out_lines(root, {}))
    return (
        f"{root} has no steered outcomes on a whole problem set to test"
        f"{f' ({found})' if found else ''}: run `steerstat collect` first, then `steerstat store "
        "ingest`"
    )


def _identified(
    readings: Readings, family: AnalysisFamily, tested: recording.Tested, stamps: plans.Stamps
) -> Analysis:
    """The tested with the digest of its rows, its stamp and its id."""
    from store import content_id

    digest = digest_of(readings, tested.conditions, tested.set_name)
    against = {"against": "controls" if tested.against_controls else "baseline"}
    plan = stamps.plan_of({**tested.contrast, **against})
    plan_id = plan.plan_id if plan else None
    code = code_version(family)
    fields = {
        "method": tested.method,
        "parameters": dict(tested.parameters),
        "rows_digest": digest,
        "code_version": code,
        "seed": tested.seed,
        "plan_id": plan_id,
    }
    analysis_id = content_id(fields)
    results = [
        row
        | {
            "analysis_id": analysis_id,
            "stamp": str(
                stamps({"quantity": row["quantity"], **json.loads(row["contrast"]), **against})
            ),
        }
        for row in tested.results
    ]
    return Analysis(
        analysis_id=analysis_id,
        method=tested.method,
        parameters=tested.parameters,
        rows_digest=digest,
        code_version=code,
        seed=tested.seed,
        plan_id=plan_id,
        results=results,
    )


def digest_of(readings: Readings, conditions: Sequence[str], set_name: str | None) -> str:
    """Digest of the outcomes of some conditions on one problem set."""
    from store import rows_digest

    problems = None
    if set_name is not None:
        sets = view(readings, "problem_sets")
        problems = sorted(sets[sets["set_name"] == set_name]["problem_id"])
    return str(
        rows_digest(
            readings.path,
            condition_ids=sorted(conditions),
            problem_ids=problems,
            connection=readings.connection,
        )
    )


def _write(root: Path, analyses: Sequence[Analysis]) -> None:
    """Append what the store does not have yet, and ingest it."""
    from store import append, committed, ingest

    known = set(committed(root, "analyses", ["analysis_id"]).column("analysis_id").to_pylist())
    new = [analysis for analysis in analyses if analysis.analysis_id not in known]
    if not new:
        return
    # Results first: an analysis row says that its results are complete.
    append(root, "results", [row for analysis in new for row in analysis.results])
    append(
        root,
        "analyses",
        [
            {
                "analysis_id": analysis.analysis_id,
                "method": analysis.method,
                "parameters": recording.as_json(analysis.parameters),
                "rows_digest": analysis.rows_digest,
                "code_version": analysis.code_version,
                "rng_seed": analysis.seed,
                "plan_id": analysis.plan_id,
            }
            for analysis in new
        ],
    )
    ingest(root)


def results_table(analyses: Sequence[Analysis]) -> pd.DataFrame:
    """Every result of some analyses as one table, contrasts as columns."""
    rows = []
    for analysis in analyses:
        for row in analysis.results:
            contrast = json.loads(row["contrast"])
            rows.append(
                {"method": row["method"], "quantity": row["quantity"]}
                | {name: contrast.get(name) for name in (*CURVE, "alpha", "stratum", "reason")}
                | {name: row[name] for name in recording.PRINTED}
            )
    return pd.DataFrame(rows)
