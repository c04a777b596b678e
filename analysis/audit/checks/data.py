"""Checks of problems: the same one twice, in training and test, or with an answer that is wrong."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction

from analysis.audit.case import Asked, Case
from analysis.audit.check import check
from analysis.audit.copies import Edit
from analysis.audit.finding import NotApplicable, Seen
from analysis.words import counted

_STEP = re.compile(r"<<([^<>=]{1,200})=([^<>]{1,60})>>")
_OPERATIONS: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
# Worked answers round: 10/3 is written as 3.33.
_ROUNDED = Fraction(1, 100)


def _in_sets(case: Case) -> int:
    """Problems in sets. Raises NotApplicable where there is none."""
    count = len(case.view("problem_sets"))
    if not count:
        raise NotApplicable("the store has no problem sets")
    return count


def _with_gold(case: Case) -> int:
    """Problems whose gold answer is known. Raises NotApplicable where there is none."""
    problems = case.view("problems")
    count = int((problems["answer"] != "unknown").sum()) if len(problems) else 0
    if not count:
        raise NotApplicable("the store has no problems with gold answers")
    return count


def _repeated(asked: Asked) -> Edit:
    """All but the first of each group are left out."""
    rows = asked.rows[asked.rows["copy"] > 1]
    return Edit(problems=list(zip(rows["set_name"], rows["problem_id"], strict=True)))


def _every(asked: Asked) -> Edit:
    """All rows' problems are left out of their sets."""
    return Edit(problems=list(zip(asked.rows["set_name"], asked.rows["problem_id"], strict=True)))


@check(
    "data/duplicate",
    "The same problem, letter by letter, stands twice in a set, or a file lists it twice.",
    action="Keep one of each, and say how many problems are left: intervals are for distinct ones.",
    reference="REFORMS checklist (Kapoor and others, Science Advances 2024), item 3.",
)
def duplicate(case: Case) -> Seen:
    """Problems of one text, and entries that a file repeats."""
    checked = _in_sets(case)
    asked, listed = case.ask("data_duplicate"), case.ask("data_repeated_entries")
    if len(asked):
        more = int((asked.rows["copy"] > 1).sum())
        return Seen(
            checked=checked,
            rows=asked.rows,
            sql=asked.sql,
            said=f"{counted(more, 'problem')} of sets repeat another, letter by letter.",
            edit=_repeated(asked),
        )
    entries = int(listed.rows["repeated"].sum()) if len(listed) else 0
    files = "; ".join(
        f"{row['command']}: {row['repeated']} in {row['table_name']}" for row in listed.records
    )
    return Seen(
        checked=checked,
        rows=listed.rows,
        sql=listed.sql,
        affected=entries,
        said=f"{entries} entries of imported files repeat an earlier one and count once ({files}).",
        least="weakens",
    )


@check(
    "data/near_duplicate",
    "Two problems of a set are the same but for case, punctuation and spaces.",
    action="Keep one of each, or count them as one cluster.",
)
def near_duplicate(case: Case) -> Seen:
    """Problems whose words are the same."""
    checked, asked = _in_sets(case), case.ask("data_near_duplicate")
    more = int((asked.rows["copy"] > 1).sum()) if len(asked) else 0
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{counted(more, 'problem')} of sets repeat another but for case and punctuation.",
        edit=_repeated(asked) if more else Edit(),
    )


@check(
    "data/template",
    "Problems of a set differ in their numbers alone: the template is a cluster, not the problem.",
    action="Test over templates (the macro `text_template` names them), or keep one of each.",
    reference="Mirzadeh and others, GSM-Symbolic (2024), for templates of word problems.",
)
def template(case: Case) -> Seen:
    """Problems that share a template within a set."""
    checked, asked = _in_sets(case), case.ask("data_template")
    clusters = len(asked.rows.drop_duplicates(["set_name", "template"])) if len(asked) else 0
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{counted(len(asked), 'problem')} of sets are {counted(clusters, 'template')} with "
        "other numbers.",
        least="weakens",
        edit=_repeated(asked) if clusters else Edit(),
    )


@check(
    "data/train_test",
    "A problem, or its template, is in a training set and in a test set.",
    action="Take it out of the training set and fit again, or out of the test set and test again.",
    reference="Kapoor and Narayanan, Leakage and the reproducibility crisis (Patterns 2023).",
)
def train_test(case: Case) -> Seen:
    """Test problems that some training set has, itself or with other numbers."""
    sets = case.view("sets_overview")
    if not {"train"} < set(sets["split"]):
        raise NotApplicable("the store has no training set beside a test set")
    checked, asked = int(sets[sets["split"] != "train"]["n"].sum()), case.ask("data_train_test")
    same = int(asked.rows["same_problem"].sum()) if len(asked) else 0
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{same} test problems are in a training set, and {len(asked) - same} more differ "
        "from one there in their numbers alone.",
        least="weakens",
        edit=_every(asked) if len(asked) else Edit(),
        unknown=same > 0,
    )


@check(
    "data/conflicting_answers",
    "One question has two gold answers.",
    action="Find out which is right; until then leave the question out.",
    reference="Northcutt and others, Pervasive label errors in test sets (NeurIPS 2021).",
)
def conflicting_answers(case: Case) -> Seen:
    """Questions of one text with several answers."""
    checked, asked = _with_gold(case), case.ask("data_conflicting_answers")
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        affected=len(set(asked.column("problem_id"))) if len(asked) else 0,
        said=f"{len(set(asked.rows.get('problem_id', ())))} problems have the text of another one "
        "and another answer: at least half of them are graded against a wrong one.",
        least="weakens",
        edit=_every(asked) if len(asked) else Edit(),
    )


@check(
    "data/worked_answer",
    "A gold answer is not what its own worked steps come to, or a step is wrong.",
    action="Work the problem out, correct the gold answer, and grade its outcomes again.",
    reference="Steps as GSM8K marks them (Cobbe and others, 2021).",
)
def worked_answer(case: Case) -> Seen:
    """Problems whose worked steps contradict themselves or the gold answer."""
    asked = case.ask("data_worked_answers")
    if not len(asked):
        raise NotApplicable("no problem has a worked answer (attribute `worked`)")
    wrong = [bool(_wrong(row["worked"], row["answer"])) for row in asked.records]
    found = asked.where(wrong)
    ids = sorted(set(found.column("problem_id")))
    return Seen(
        checked=len(set(asked.column("problem_id"))),
        rows=found.rows,
        sql=case.ask("data_worked_answers", ids=ids).sql,
        affected=len(ids),
        said=f"{counted(len(ids), 'gold answer')} cannot be had from the worked steps beside "
        f"{'it' if len(ids) == 1 else 'them'}: {_told(found)}.",
        edit=_every(found) if ids else Edit(),
    )


def _told(found: Asked) -> str:
    """The first of the answers, with how its worked steps end."""
    end = " ".join(str(found.first.get("worked")).split())[-60:]
    return f"{found.first.get('answer')} where they end “…{end}”"


def _wrong(worked: str, answer: str) -> bool:
    """Whether a step is wrong, or the answer is not what the steps come to.

    That is what stands behind the last `####`; where nothing does, the answer has to be the result
    of a step.
    """
    results = []
    for left, right in _STEP.findall(worked):
        value, told = _value(left), _value(right)
        if value is None or told is None:
            continue
        results.append(told)
        if abs(value - told) > max(_ROUNDED, abs(value) * _ROUNDED):
            return True
    gold, (_, mark, end) = _value(answer), worked.rpartition("####")
    final = _value(end) if mark else None
    if gold is None:
        return False
    return gold != final if final is not None else bool(results) and gold not in results


def _value(text: str) -> Fraction | None:
    """The value of sums, differences, products and quotients of numbers; None of anything else."""
    text = text.replace(",", "").replace("$", "").replace("%", "/100").strip()
    try:
        return _of(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return None


def _of(node: ast.AST) -> Fraction:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_of(node.left), _of(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_of(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    raise ValueError("no arithmetic of numbers")


@check(
    "data/answer_in_question",
    "The gold answer is printed in the question: a model that copies a number can be right.",
    action="Report accuracy with and without them; leave them out where the claim is of reasoning.",
)
def answer_in_question(case: Case) -> Seen:
    """Problems whose question has the gold answer as a number."""
    _with_gold(case)
    checked, asked = _in_sets(case), case.ask("data_answer_in_question")
    return Seen(
        checked=checked,
        rows=asked.rows,
        sql=asked.sql,
        said=f"{counted(len(asked), 'question')} of {checked} in sets print their own answer.",
        edit=_every(asked) if len(asked) else Edit(),
        quantity="share of problems",
        estimate=len(asked) / checked,
    )
