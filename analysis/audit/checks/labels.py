"""Checks of labels and strata: made elsewhere, unstable, confounded, or cut from the outcome."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis import words
from analysis.audit.case import Asked, Case
from analysis.audit.check import check
from analysis.audit.copies import Edit
from analysis.audit.finding import CouldNotRun, NotApplicable, Seen
from analysis.audit.printed import baseline_of
from analysis.tables.base import groups
from analysis.vocabulary import SIGNIFICANCE

SEED, DRAWS = 0, 1999
FEATURES = ("length", "steps", "magnitude", "operations")


@check(
    "labels/protocol",
    "Labels disagree with the baseline that the set is tested against, or fitted for.",
    action="Label and balance with outcomes of the very protocol that is steered.",
    reference="docs/reproduce.md: labels of another protocol turned 50 % into 33 %.",
)
def protocol(case: Case) -> Seen:
    """Labels beside the outcomes of the baseline, in the store or as a document prints it."""
    if not case.view("sets_overview")["n_labelled"].any():
        raise NotApplicable("no set has labels")
    pairs = case.ask("labels_protocol", agreeing=True)
    asked = case.ask("labels_protocol")
    told = _printed(case)
    if told is not None:
        n, labelled, printed = told
        return Seen(
            checked=n,
            rows=asked.rows,
            sql=asked.sql,
            affected=max(len(asked), abs(labelled - printed)),
            said=f"{labelled} of {n} labels say right, and the document's own baseline is "
            f"{printed} of {n}: at least {abs(labelled - printed)} labels are of another protocol "
            "than the one that was steered.",
            least="weakens",
            unknown=True,
            quantity="baseline accuracy less the share of right labels",
            estimate=(printed - labelled) / n,
        )
    if not len(pairs):
        raise CouldNotRun("no labelled problem has an outcome of the baseline that is steered")
    share = len(asked) / len(pairs)
    test = asked.rows[asked.rows["split"] != "train"] if len(asked) else asked.rows
    return Seen(
        checked=len(pairs),
        rows=asked.rows,
        sql=asked.sql,
        said=f"{len(asked)} of {len(pairs)} labels are not what the baseline answers "
        f"({words.percent(share)}).",
        least="weakens",
        edit=Edit(problems=[*zip(test["set_name"], test["problem_id"], strict=True)])
        if len(test)
        else Edit(),
        unknown=True,
        quantity="share of labels",
        estimate=share,
    )


def _printed(case: Case) -> tuple[int, int, int] | None:
    """Size and right labels of a set, and a document's baseline on as many; None where they fit."""
    if case.document is None:
        return None
    sets = case.view("sets_overview")
    for row in sets[(sets["split"] != "train") & (sets["n_labelled"] == sets["n"])].to_dict(
        "records"
    ):
        n, labelled = int(row["n"]), int(row["n_label_true"])
        printed = baseline_of(case.document.text, n, latex=case.document.latex)
        if printed is not None and printed != labelled:
            return n, labelled, printed
    return None


@check(
    "labels/unstable",
    "A second decode without steering answers otherwise: right and wrong are partly noise.",
    action="Average several decodes, or count how many pairs change by themselves (churn).",
    needs="outcomes",
)
def unstable(case: Case) -> Seen:
    """Problems that were decoded twice, with different verdicts."""
    decoded = case.ask("labels_unstable", agreeing=True)
    if not len(decoded):
        raise NotApplicable("nothing was decoded twice without steering")
    asked = case.ask("labels_unstable")
    share = len(asked) / len(decoded)
    in_sets = asked.rows[asked.rows["set_name"].notna()] if len(asked) else asked.rows
    return Seen(
        checked=len(decoded),
        rows=asked.rows,
        sql=asked.sql,
        said=f"{len(asked)} of {len(decoded)} problems change between two decodes without "
        f"steering ({words.percent(share)}).",
        edit=Edit(problems=[*zip(in_sets["set_name"], in_sets["problem_id"], strict=True)])
        if len(in_sets)
        else Edit(),
        quantity="share of problems",
        estimate=share,
    )


@check(
    "labels/confound",
    "Right and wrong problems of a training set differ in length, steps, magnitude or operations.",
    action="Fit within strata (`mean_difference_matched`), and run both directions.",
    reference="AUC with a permutation p, Holm over features and sets.",
)
def confound(case: Case) -> Seen:
    """Features by which a problem's label can be told."""
    asked = case.ask("labels_confound")
    if not len(asked):
        raise NotApplicable("no training set has labels")
    tests = _feature_tests(asked)
    if not tests:
        raise CouldNotRun("no feature of the training problems varies")
    from analysis.statistics.families import adjust

    corrected = np.asarray(
        adjust([p for *_, p in tests], method="holm", family_size=len(tests)).p, dtype=float
    )
    told = [
        (abs(auc - 0.5), name, set_name, auc, float(p))
        for (set_name, name, auc, _), p in zip(tests, corrected, strict=True)
        if p <= SIGNIFICANCE
    ]
    if not told:
        return Seen(checked=len(asked), rows=asked.rows[:0], sql=asked.sql)
    _, name, set_name, auc, p = max(told)
    return Seen(
        checked=len(tests),
        affected=len(told),
        rows=asked.rows[asked.rows["set_name"] == set_name],
        sql=asked.sql,
        said=f"{name.capitalize()} tells right from wrong in {set_name} (AUC {auc:.2f}, corrected "
        f"{words.p_is(p)}); so do {len(told) - 1} more features of training sets.",
        least="weakens",
        quantity=f"AUC of {name}",
        estimate=float(auc),
    )


def _feature_tests(asked: Asked) -> list[tuple[str, str, float, float]]:
    """Set, feature, AUC and permutation p of every feature that varies among both labels."""
    rng, tests = np.random.default_rng(SEED), []
    for (set_name,), index in groups(asked.rows, ["set_name"]).items():
        rows = asked.rows.iloc[index]
        right = rows["label"].to_numpy(dtype=bool)
        for name in FEATURES:
            values = rows[name].to_numpy(dtype=float)
            known = np.isfinite(values)
            if len(set(values[known])) > 1 and 0 < right[known].sum() < known.sum():
                tests.append((set_name, name, *_auc(values[known], right[known], rng)))
    return tests


def _auc(values: np.ndarray, right: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Chance that a right problem has the larger value, and its two-sided permutation p."""
    from scipy.stats import rankdata

    ranks = rankdata(values)
    n, k = len(right), int(right.sum())
    middle = k * (n + 1) / 2
    observed = float(ranks[right].sum()) - middle
    sums = np.array([ranks[rng.permutation(n)[:k]].sum() for _ in range(DRAWS)]) - middle
    extreme = int((np.abs(sums) >= abs(observed) - 1e-9).sum())
    return 0.5 + observed / (k * (n - k)), (extreme + 1) / (DRAWS + 1)


@check(
    "labels/strata_missing",
    "Strata are missing for right and wrong problems unequally: they were read off the outcome.",
    action="Work strata out from the problems alone, for all of them.",
    reference="Fisher's exact test of missing against right, Holm over schemes and sets.",
)
def strata_missing(case: Case) -> Seen:
    """Schemes that cut right problems and leave wrong ones out, or the reverse."""
    asked = case.ask("labels_strata_missing", with_level=True)
    if not len(asked):
        raise NotApplicable("no problem with an outcome or a label has strata")
    tables = {
        key: _fourfold(asked.rows.iloc[index])
        for key, index in groups(asked.rows, ["set_name", "scheme"]).items()
    }
    gaps = {key: table for key, table in tables.items() if table[:, 1].any()}
    if not gaps:
        return Seen(checked=len(asked), rows=asked.rows[:0], sql=asked.sql)
    told = _dependent(gaps)
    if not told:
        return Seen(checked=len(asked), rows=asked.rows[:0], sql=asked.sql)
    (set_name, scheme), p = min(told.items(), key=lambda item: item[1])
    (right, right_gaps), (wrong, wrong_gaps) = gaps[set_name, scheme]
    without = case.ask("labels_strata_missing")
    rows = without.rows[
        [key in told for key in zip(without.rows["set_name"], without.rows["scheme"], strict=True)]
    ]
    return Seen(
        checked=len(asked),
        rows=rows,
        sql=without.sql,
        said=f"{scheme} is missing for {wrong_gaps} of {wrong + wrong_gaps} wrong and "
        f"{right_gaps} of {right + right_gaps} right problems of {set_name} "
        f"(corrected {words.p_is(p)}): what it says of a stratum is said of the outcome.",
        least="weakens",
        quantity="share missing among wrong less among right",
        estimate=wrong_gaps / (wrong + wrong_gaps) - right_gaps / (right + right_gaps),
    )


def _fourfold(rows: Any) -> np.ndarray:
    """Problems [right, wrong] by [with a stratum, without]."""
    right, level = (rows[name].to_numpy(dtype=bool) for name in ("right_", "has_level"))
    return np.array([[(one & level).sum(), (one & ~level).sum()] for one in (right, ~right)])


def _dependent(gaps: dict[Any, np.ndarray]) -> dict[Any, float]:
    """Corrected p of the tables whose missing strata depend on the outcome."""
    from scipy.stats import fisher_exact

    from analysis.statistics.families import adjust

    usable = {key: table for key, table in gaps.items() if (table.sum(axis=1) > 0).all()}
    if not usable:
        return {}
    alone = [float(fisher_exact(table).pvalue) for table in usable.values()]
    p = adjust(alone, method="holm", family_size=len(gaps)).p
    found = zip(usable, np.asarray(p, dtype=float), strict=True)
    return {key: float(value) for key, value in found if value <= SIGNIFICANCE}


@check(
    "labels/strata_circular",
    "Strata were read off the run whose baseline they are tested against.",
    action="Cut by what is known before any outcome; such strata invent effects of 7 to 18 points.",
    reference="docs/statistics.md, difficulty.",
    needs="outcomes",
)
def strata_circular(case: Case) -> Seen:
    """Schemes that were cut from the tested baseline."""
    schemes = set(case.view("problem_strata")["scheme"])
    if not schemes:
        raise NotApplicable("the store has no strata")
    asked = case.ask("labels_strata_circular")
    names = sorted(set(asked.rows.get("scheme", ())))
    return Seen(
        checked=len(schemes),
        rows=asked.rows,
        sql=asked.sql,
        affected=len(names),
        said=f"{', '.join(names)}: cut from the very baseline that is tested, so that its strata "
        "move by themselves; every test of them is refused here.",
        least="weakens",
    )
