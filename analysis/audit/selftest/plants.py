"""One defect for each check, planted into the rows of the clean store."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from analysis.audit.selftest.clean import DOCUMENT, GAINED, RUN, Rows

Row = dict[str, Any]
# Changes the rows; gives the document, where it is another one.
Plant = Callable[[Rows], str | None]
PLANTS: dict[str, Plant] = {}
PUSH = "push".ljust(32, "0")


def planting(check_id: str) -> Callable[[Plant], Plant]:
    """Register the plant of a check."""

    def register(plant: Plant) -> Plant:
        """The plant itself."""
        PLANTS[check_id] = plant
        return plant

    return register


def planted(check_id: str, rows: Rows) -> tuple[Rows, str]:
    """The rows with a check's defect, and the document; `rows` stay as they are."""
    changed = {name: [dict(row) for row in table] for name, table in rows.items()}
    return changed, PLANTS[check_id](changed) or DOCUMENT


def _test(rows: Rows) -> list[str]:
    return [row["problem_id"] for row in rows["problem_sets"] if row["set_name"] == "test"]


def _problem(rows: Rows, problem: str) -> Row:
    return next(row for row in rows["problems"] if row["problem_id"] == problem)


def _of(rows: Rows, name: str) -> list[Row]:
    """Outcomes of the conditions whose id begins with a name."""
    return [row for row in rows["outcomes"] if row["condition_id"].startswith(name)]


def _direction(rows: Rows, key: str = PUSH) -> Row:
    return next(row for row in rows["directions"] if row["direction_id"] == key)


def _controls(rows: Rows) -> list[Row]:
    return [row for row in rows["directions"] if row["role"] == "control"]


def _run_of_controls(rows: Rows) -> list[Row]:
    return [row for row in rows["conditions"] if (row["direction_id"] or "").startswith("control")]


def _drop_conditions(rows: Rows, ids: set[str]) -> None:
    for table in ("conditions", "outcomes"):
        rows[table] = [row for row in rows[table] if row["condition_id"] not in ids]


def _grade(row: Row, right: bool) -> None:
    """Make an outcome right or wrong, in its text and answer too."""
    gold = int(row["answer"]) - (0 if row["correct"] else 1)
    answer = str(gold if right else gold + 1)
    row |= {"correct": right, "answer": answer, "text": f"{row['text'][:9]}) answer is {answer}."}


@planting("data/duplicate")
def duplicate(rows: Rows) -> None:
    """A file that listed seven problems twice."""
    gates = json.loads(rows["runs"][0]["gates"]) | {"entries": 55, "repeats": {"problem_sets": 7}}
    rows["runs"][0]["gates"] = json.dumps(gates)


@planting("data/near_duplicate")
def near_duplicate(rows: Rows) -> None:
    """A test problem again, in capitals."""
    first, second = _test(rows)[:2]
    _problem(rows, second)["question"] = _problem(rows, first)["question"].upper()


@planting("data/template")
def template(rows: Rows) -> None:
    """Six test problems of one text with other numbers."""
    for i, problem in enumerate(_test(rows)[:6]):
        _problem(rows, problem)["question"] = f"A tank holds {200 + i} litres. And then?"


@planting("data/train_test")
def train_test(rows: Rows) -> None:
    """The problems that a direction gains are in the training set."""
    shared = _test(rows)[1 : 2 * GAINED : 2]
    rows["problem_sets"] += [
        {"set_name": "train", "problem_id": one, "split": "train",
         "selection": "balanced_on_baseline", "run_id": RUN, "label": False}
        for one in shared
    ]  # fmt: skip


@planting("data/conflicting_answers")
def conflicting_answers(rows: Rows) -> None:
    """Two test problems of one text and two answers."""
    first, second = _test(rows)[0], _test(rows)[-1]
    _problem(rows, second)["question"] = _problem(rows, first)["question"]


@planting("data/worked_answer")
def worked_answer(rows: Rows) -> None:
    """A gold answer that no step gives."""
    row = _problem(rows, _test(rows)[2])
    row["attributes"] = json.dumps({"worked": "<<20+3=23>>23 <<23+53=76>>76 #### 99"})


@planting("data/answer_in_question")
def answer_in_question(rows: Rows) -> None:
    """Questions that end with their answer."""
    for problem in _test(rows)[:5]:
        row = _problem(rows, problem)
        row["question"] += f" (Hint: {row['answer']})"


@planting("labels/protocol")
def protocol(rows: Rows) -> None:
    """Training labels that are not what the baseline answers."""
    for row in [row for row in rows["problem_sets"] if row["set_name"] == "train"][:8]:
        row["label"] = not row["label"]


@planting("labels/unstable")
def unstable(rows: Rows) -> None:
    """A second decode that answers six problems otherwise."""
    for row in _of(rows, "again")[:6]:
        _grade(row, not row["correct"])


@planting("labels/confound")
def confound(rows: Rows) -> None:
    """Wrong training problems are the long ones."""
    for row in rows["problem_sets"]:
        if row["set_name"] == "train":
            problem = _problem(rows, row["problem_id"])
            problem["n_steps"] = 1 if row["label"] else 4


@planting("labels/strata_missing")
def strata_missing(rows: Rows) -> None:
    """Strata that only right problems have."""
    wrong = {row["problem_id"] for row in rows["problem_sets"] if row["label"] is False}
    for row in rows["strata"]:
        if row["problem_id"] in wrong:
            row["level"] = "unknown"


@planting("labels/strata_circular")
def strata_circular(rows: Rows) -> None:
    """Strata that were read off the baseline's run."""
    for row in rows["strata"]:
        row["run_id"] = RUN


@planting("direction/site")
def site(rows: Rows) -> None:
    """A direction of another layer."""
    _direction(rows)["recipe"] = json.dumps({"fit": "mean_difference", "fitted_at": "residual:1"})


@planting("direction/dead")
def dead(rows: Rows) -> None:
    """A protocol that never feeds the last position."""
    gates = {"codi": {"protocol": "codi", "live": {"dead": ["latent[2]"]}}}
    rows["runs"][0]["gates"] = json.dumps(gates)


@planting("direction/trained_on_test")
def trained_on_test(rows: Rows) -> None:
    """A direction that was fitted on a set with test problems in it."""
    train_test(rows)


@planting("direction/unreliable")
def unreliable(rows: Rows) -> None:
    """Activations that have nothing to do with the labels."""
    values = [row["values"] for row in rows["activations"]]
    for i, row in enumerate(rows["activations"]):
        row["values"] = [(7 * i * k) % 11 - 5.0 for k in range(1, len(values[i]) + 1)]


@planting("direction/copies")
def copies(rows: Rows) -> None:
    """A control that is the candidate."""
    control = _controls(rows)[0]["direction_id"]
    push = {row["position"]: row["values"] for row in rows["direction_vectors"]
            if row["direction_id"] == PUSH}  # fmt: skip
    for row in rows["direction_vectors"]:
        if row["direction_id"] == control:
            row["values"] = push[row["position"]]


@planting("direction/norm")
def norm(rows: Rows) -> None:
    """A control twenty times as long as the others."""
    _controls(rows)[0]["norm"] *= 20


@planting("direction/delivered")
def delivered(rows: Rows) -> None:
    """A hook that was off at +1."""
    for row in _of(rows, "push+1"):
        row["norm_after"] = row["norm_before"]


@planting("controls/too_few")
def too_few(rows: Rows) -> None:
    """Five controls, as the report had."""
    kept = {row["direction_id"] for row in _controls(rows)[:5]}
    gone = {row["condition_id"] for row in _run_of_controls(rows)
            if row["direction_id"] not in kept}  # fmt: skip
    _drop_conditions(rows, gone)
    for table in ("directions", "direction_vectors"):
        rows[table] = [row for row in rows[table] if row["direction_id"] in {PUSH, *kept}]


@planting("controls/norm")
def controls_norm(rows: Rows) -> None:
    """Controls that share the norm in total and not by position."""
    for row in _controls(rows):
        row["norm_by_position"] = [row["norm"] / 3**0.5] * 3


@planting("controls/elsewhere")
def elsewhere(rows: Rows) -> None:
    """Controls at doses that the candidate was not run at."""
    for row in _run_of_controls(rows)[:4]:
        row["alpha"] *= 2


@planting("controls/not_searched")
def not_searched(rows: Rows) -> None:
    """A candidate that was searched over doses where no control was run."""
    for name in ("push+1", "push-1"):
        row = next(one for one in rows["conditions"] if one["condition_id"].startswith(name))
        more = row | {"condition_id": f"{name}more".ljust(32, "0"), "alpha": row["alpha"] * 2}
        rows["conditions"].append(more)
        copied = [{**one, "condition_id": more["condition_id"], "text": f"(2) {one['text']}"}
                  for one in _of(rows, f"{name}0")]  # fmt: skip
        changed = [one for one in copied if one["correct"] != (row["alpha"] > 0)]
        _grade(changed[0], not changed[0]["correct"])
        rows["outcomes"] += copied


@planting("controls/one_sided")
def one_sided(rows: Rows) -> None:
    """Controls at the negative dose alone."""
    up = {row["condition_id"] for row in _run_of_controls(rows) if row["alpha"] > 0}
    _drop_conditions(rows, up)


@planting("controls/not_exchangeable")
def not_exchangeable(rows: Rows) -> None:
    """One control that breaks everything."""
    for row in _of(rows, "random001+1"):
        _grade(row, False)


@planting("outcomes/grid")
def grid(rows: Rows) -> None:
    """A condition that ended after half of the problems."""
    half = set(_test(rows)[:12])
    rows["outcomes"] = [
        row
        for row in rows["outcomes"]
        if not row["condition_id"].startswith("push+1") or row["problem_id"] in half
    ]


@planting("outcomes/missing_depends_on_alpha")
def missing_depends_on_alpha(rows: Rows) -> None:
    """Answers that nobody can read once something is added."""
    for name in ("push+1", "push-1"):
        for row in [one for one in _of(rows, name) if not one["correct"]][:8]:
            row |= {"status": "parse_fail", "correct": None, "answer": None, "text": "(?) what"}


@planting("outcomes/errors_as_wrong")
def errors_as_wrong(rows: Rows) -> None:
    """Empty texts that count as wrong."""
    for row in _of(rows, "push-1")[:5]:
        row |= {"text": "", "answer": None, "correct": False}


@planting("outcomes/baseline_elsewhere")
def baseline_elsewhere(rows: Rows) -> None:
    """A baseline in another arithmetic."""
    for row in rows["conditions"]:
        if row["condition_id"].startswith("baseline"):
            row["dtype"] = "float16"


@planting("outcomes/zero_is_not_baseline")
def zero_is_not_baseline(rows: Rows) -> None:
    """A dose of nothing that changes three answers."""
    for row in _of(rows, "push+0")[:3]:
        _grade(row, not row["correct"])


@planting("outcomes/no_op")
def no_op(rows: Rows) -> None:
    """A condition that gave what the baseline gave."""
    texts = {row["problem_id"]: row for row in _of(rows, "baseline")}
    for row in _of(rows, "push+1"):
        row |= {name: texts[row["problem_id"]][name] for name in ("text", "answer", "correct")}


@planting("outcomes/scorer_changed")
def scorer_changed(rows: Rows) -> None:
    """Controls that an earlier parser graded."""
    for row in _run_of_controls(rows):
        row["protocol_fields"] = json.dumps(
            json.loads(row["protocol_fields"]) | {"parser_version": 1}
        )


@planting("outcomes/reparse")
def reparse(rows: Rows) -> None:
    """Verdicts that were changed by hand."""
    for row in _of(rows, "push+1")[:4]:
        row["correct"] = not row["correct"]


@planting("outcomes/ceiling")
def ceiling(rows: Rows) -> None:
    """A baseline that is nearly always right."""
    for row in _of(rows, "baseline"):
        _grade(row, True)


@planting("outcomes/truncated")
def truncated(rows: Rows) -> None:
    """Answers that were cut off."""
    for row in _of(rows, "push-1")[:5]:
        row |= {"status": "truncated", "correct": None, "answer": None}


@planting("inference/selected_set")
def selected_set(rows: Rows) -> None:
    """A test set balanced on the baseline."""
    for row in rows["problem_sets"]:
        if row["set_name"] == "test":
            row["selection"] = "balanced_on_baseline"


@planting("inference/best_of_many")
def best_of_many(rows: Rows) -> None:
    """Effects that only the best of the doses makes significant."""
    right = {row["problem_id"]: row["correct"] for row in _of(rows, "baseline")}
    for name, kept in (("push+1", 5), ("push-1", 2)):
        changed = [row for row in _of(rows, name) if row["correct"] != right[row["problem_id"]]]
        for row in changed[kept:]:
            _grade(row, right[row["problem_id"]])


@planting("inference/pooled_seeds")
def pooled_seeds(rows: Rows) -> None:
    """A test over eight seeds of each problem."""
    rows["results"][0]["n"] *= 8


@planting("inference/unpaired")
def unpaired(rows: Rows) -> None:
    """A baseline that lacks ten of the problems."""
    gone = set(_test(rows)[:10])
    rows["outcomes"] = [
        row
        for row in rows["outcomes"]
        if not row["condition_id"].startswith("baseline") or row["problem_id"] not in gone
    ]


@planting("inference/zero_error")
def zero_error(rows: Rows) -> None:
    """An interval of no width."""
    rows["results"][0] |= {"low": rows["results"][0]["estimate"]}
    rows["results"][0] |= {"high": rows["results"][0]["estimate"]}


@planting("inference/plan")
def plan(rows: Rows) -> None:
    """No plan at all."""
    rows["plans"] = []


@planting("inference/family")
def family(rows: Rows) -> None:
    """A later analysis that corrects over fewer tests."""
    later = rows["results"][0] | {"analysis_id": "o" * 32, "family_size": 1}
    rows["results"].append(later)


@planting("inference/fragile")
def fragile(rows: Rows) -> None:
    """Gains that rounding decides."""
    right = {row["problem_id"]: row["correct"] for row in _of(rows, "baseline")}
    for row in _of(rows, "push+1"):
        row["fragile"] = row["correct"] != right[row["problem_id"]]


@planting("inference/one_sided_late")
def one_sided_late(rows: Rows) -> None:
    """A one-sided p, chosen after the data."""
    # binomtest(5, 6).pvalue = 0.21875: mid-p 0.125, and half of that.
    rows["results"][0] |= {"gained": 5, "lost": 1, "p": 0.0625, "stamp": "exploratory"}


@planting("inference/no_control_claim")
def no_control_claim(rows: Rows) -> None:
    """No control was run."""
    _drop_conditions(rows, {row["condition_id"] for row in _run_of_controls(rows)})


@planting("inference/simpson")
def simpson(rows: Rows) -> None:
    """Strata for those that lost alone, while the others gained."""
    right = {row["problem_id"]: row["correct"] for row in _of(rows, "baseline")}
    steered = {row["problem_id"]: row for row in _of(rows, "push+1")}
    lost = [one for one in _test(rows) if right[one] and steered[one]["correct"]][:2]
    for problem in lost:
        _grade(steered[problem], False)
    rows["strata"] = [
        {"scheme": "thing", "problem_id": one, "level": str(i), "source": "made", "run_id": None}
        for i, one in enumerate(lost)
    ]


@planting("report/grim")
def grim(rows: Rows) -> str:
    """An accuracy of no whole number of problems."""
    return DOCUMENT.replace("83.3%", "81.7%")


@planting("report/p_from_counts")
def p_from_counts(rows: Rows) -> str:
    """A p that is too small."""
    return DOCUMENT.replace("8 gained and 0 lost, p = 0.004", "4 gained and 2 lost, p = 0.004")


@planting("report/interval")
def interval(rows: Rows) -> str:
    """An interval that is too narrow."""
    return DOCUMENT.replace("[+14.9, +53.3]", "[+28.1, +40.2]")


@planting("report/stale_figure")
def stale_figure(rows: Rows) -> None:
    """A claim that has drifted since."""
    rows["claims"][0] |= {"verdict": "DECISION-DRIFT", "recomputed": "20"}


@planting("report/uncovered_numbers")
def uncovered_numbers(rows: Rows) -> str:
    """A number that nobody bound."""
    return f"{DOCUMENT}\nThis is 77 times better.\n"


@planting("report/settings")
def settings(rows: Rows) -> str:
    """Another number of controls."""
    return DOCUMENT.replace("39 control directions", "99 control directions")


@planting("provenance/dirty")
def dirty(rows: Rows) -> None:
    """A run of uncommitted code."""
    rows["runs"][0]["git_commit"] += "-dirty"


@planting("provenance/hashes")
def hashes(rows: Rows) -> None:
    """A model that only has a name."""
    rows["models"][0]["weights_sha256"] = "imported:tiny"


@planting("provenance/versions")
def versions(rows: Rows) -> None:
    """A run that names no libraries."""
    rows["runs"][0]["library_versions"] = None


@planting("provenance/unseeded")
def unseeded(rows: Rows) -> None:
    """Controls without a seed."""
    for row in _controls(rows):
        row["rng_seed"] = None


@planting("provenance/one_sample")
def one_sample(rows: Rows) -> None:
    """One draw of each problem."""
    for row in rows["conditions"]:
        row["decoding"] = '{"mode": "sample", "temperature": 0.7}'
