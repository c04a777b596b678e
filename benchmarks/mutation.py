"""How many small changes of the code do the tests notice?

    python -m benchmarks.mutation [--sample SHARE] [--seed N] [FILE ...]

Every mutant of a file (see `mutants.py`) meets the fast tests that reach its lines, in a process
forked after everything but the project was imported. One that runs out of time counts as killed;
one that no test reaches survives. Answers are kept in `runs/mutation` for as long as the file is
the same, a survivor's for as long as the tests are too: a run that was stopped goes on, and a
larger sample contains the smaller one.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import math
import os
import random
import resource
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from scipy import stats

from benchmarks.mutants import Mutant, mutants_of, mutated
from benchmarks.reached import Only, Reached

CODE = (
    "analysis/statistics/*.py",
    "analysis/tables/*.py",
    "analysis/report/verdicts.py",
    "store/compact.py",
    "store/duplicates.py",
    "store/shards.py",
)
TESTS = (
    "tests/analysis/statistics",
    "tests/analysis/tables",
    "tests/analysis/report",
    "tests/store",
)
PROJECT = {"analysis", "benchmarks", "collect", "sql", "steerstat", "store", "tests"}
# What starts processes of its own, opens a browser or writes a whole report.
LEFT_OUT = "not slow and not chaos and not disk and not browser and not transfer"
# A mutant may take so many times its tests' seconds of the processor, and so many more.
PATIENCE, GRACE = 4, 20
# The exit status of a child in which not the tests but this runner failed.
BROKEN = 70
# Tables are kept between tests: their lines run under the first test that asks for one, so every
# test of the folder counts.
KEPT = "analysis/tables/"
STATE = Path("runs/mutation")
# Survivors that no test can notice: file, line of code, what was, what became, and why.
EQUIVALENT = Path("benchmarks/equivalent.tsv")
# What decides which change a mutant's number means.
MUTANTS = (Path("benchmarks/mutants.py"),)
KILLED, TIMED_OUT, SURVIVED, UNREACHED = "killed", "timed out", "survived", "unreached"
NOTICED = (KILLED, TIMED_OUT)
Key = tuple[str, str, str, str]  # file, line of code, what was, what became


def digest(paths: list[Path]) -> str:
    """One word for the contents of files."""
    contents = hashlib.sha256()
    for path in sorted(paths):
        contents.update(str(path).encode() + path.read_bytes())
    return contents.hexdigest()[:16]


def forked(work: Callable[[], int], seconds: float) -> int | None:
    """The exit status of work in a child of this process; None where it ran out of time."""
    child = os.fork()
    if child == 0:
        status = BROKEN
        with suppress(BaseException):
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 5))
            # The machine may be busy with something else, or the child wait for ever.
            signal.alarm(math.ceil(seconds * 10))
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            status = work()
        os._exit(status)
    status = os.waitpid(child, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None


def run_tests(selection: list[str], plugin: object, *options: str) -> int:
    """pytest's exit status, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        # Plugins of pytest are among what was imported before the fork.
        known = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
        places = ("-p", "no:cacheprovider", "-p", "no:xdist", f"--basetemp={folder}/tests")
        return int(pytest.main([*selection, *options, *known, *places], plugins=[plugin]))


def reach(files: list[str]) -> dict[str, Any]:
    """For every line of the files the tests that run it; measured once per state of the project."""
    state = digest([path for name in PROJECT - {"benchmarks"} for path in Path(name).rglob("*.py")])
    kept = STATE / f"reached-{state}.json"

    def measure() -> int:
        """Run the tests, and keep which lines each of them reaches."""
        plugin = Reached(files)
        status = run_tests(list(TESTS), plugin, "-k", LEFT_OUT, "-m", "not slow")
        lines = {file: {n: sorted(t) for n, t in d.items()} for file, d in plugin.lines.items()}
        others = [name for name in sys.modules if name.split(".")[0] not in PROJECT]
        if status == 0:
            reached = {"lines": lines, "seconds": plugin.seconds, "modules": others}
            kept.write_text(json.dumps(reached))
        return status

    if not kept.exists() and forked(measure, 3600) != 0:
        sys.exit(f"the tests fail without any mutant: run pytest -m 'not slow' {' '.join(TESTS)}")
    reached = dict(json.loads(kept.read_text()))
    import_others(reached["modules"])
    if not reached.get("repeats"):
        # What fails in a forked process for a reason of its own would pass for noticing.
        if forked(lambda: run_chosen(list(reached["seconds"])), 3600) != 0:
            sys.exit("the tests fail in a forked process without any mutant: none can be judged")
        kept.write_text(json.dumps(reached | {"repeats": True}))
    return reached


def import_others(names: list[str]) -> None:
    """Import what the tests need and no mutant changes, so that every child has it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            with suppress(Exception):
                importlib.import_module(name)


def tests_for(mutant: Mutant, reached: dict[str, Any]) -> list[str]:
    """The tests that run a line of the mutant, the fastest first."""
    first, last = mutant.span
    lines = reached["lines"].get(mutant.path, {})
    tests = {t for line, names in lines.items() if first <= int(line) <= last for t in names}
    if tests and mutant.path.startswith(KEPT):
        tests |= {t for t in reached["seconds"] if t.startswith(f"tests/{KEPT}")}
    return sorted(tests, key=lambda test: (reached["seconds"][test], test))


def judge(mutant: Mutant, source: str, reached: dict[str, Any]) -> str:
    """Whether a test notices the mutant."""
    tests = tests_for(mutant, reached)
    if not tests:
        return UNREACHED
    path = str(Path(mutant.path).resolve())
    plain = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
        """The mutant of its file, every other file as it is."""
        if loader.get_filename(name) != path:
            return plain(loader, name)
        return compile(mutated(source, mutant.number), path, "exec")

    def work() -> int:
        """Run the chosen tests on the mutant."""
        SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]
        return run_chosen(tests)

    status = forked(work, GRACE + PATIENCE * sum(reached["seconds"][test] for test in tests))
    if status == BROKEN:
        sys.exit(f"{mutant.path}: mutant {mutant.number} was not run to its end")
    if status is None:
        return TIMED_OUT
    return SURVIVED if status == 0 else KILLED


def run_chosen(tests: list[str]) -> int:
    """pytest's exit status for these tests, in their order, until the first that fails."""
    files = sorted({test.split("::")[0] for test in tests})
    return run_tests(files, Only(tests), "-x")


def answers(
    files: list[str], share: float, seed: int, reached: dict[str, Any]
) -> Iterator[tuple[Mutant, str]]:
    """The sample's mutants with what became of them; each new answer is written down at once."""
    log = STATE / "answers.jsonl"
    known = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    tests = digest([path for name in TESTS for path in Path(name).rglob("*.py")])
    kept = {
        (record["file"], record["number"]): record["answer"]
        for record in known
        if record["answer"] in NOTICED or record["tests"] == tests
    }
    chosen = []
    for path in files:
        every = mutants_of(path, Path(path).read_text())
        random.Random(f"{seed} {path}").shuffle(every)
        chosen += every[: math.ceil(share * len(every))]
    # In no order of the files, so that what a stopped run has seen is a sample as well.
    random.Random(seed).shuffle(chosen)
    states = {path: digest([Path(path), *MUTANTS]) for path in files}
    with log.open("a") as file:
        for mutant in chosen:
            state = states[mutant.path]
            answer = kept.get((state, mutant.number))
            if answer is None:
                answer = judge(mutant, Path(mutant.path).read_text(), reached)
                record = {"file": state, "number": mutant.number, "tests": tests}
                print(json.dumps(record | {"answer": answer}), file=file, flush=True)
            yield mutant, answer


def key(mutant: Mutant, source: str) -> Key:
    """By what a row of `EQUIVALENT` names a mutant: lines move, their text stays."""
    code = source.splitlines()[mutant.line - 1].strip()
    return (mutant.path, code, mutant.was, mutant.became)


def judged_equivalent() -> set[Key]:
    """The survivors that no test can notice; ends the run where one is no mutant any more."""
    rows = [line.split("\t") for line in EQUIVALENT.read_text().splitlines()]
    judged = {(path, code, was, became) for path, code, was, became, _ in rows}
    mutants: set[Key] = set()
    for path in {path for path, *_ in judged if Path(path).exists()}:
        source = Path(path).read_text()
        mutants |= {key(mutant, source) for mutant in mutants_of(path, source)}
    if gone := sorted(judged - mutants):
        listed = "\n".join("    " + "  ".join(row) for row in gone)
        sys.exit(
            f"{EQUIVALENT}: no mutant fits these rows any more; judge their code anew:\n{listed}"
        )
    return judged


def main() -> None:
    """Judge the mutants and say what share was killed, and which were not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--sample", type=float, default=1.0, help="share of each file's mutants")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    judged = judged_equivalent()
    STATE.mkdir(parents=True, exist_ok=True)
    every = sorted(str(path) for pattern in CODE for path in Path().glob(pattern))
    reached = reach(every)
    counts: dict[str, list[bool]] = {}
    equivalent = 0
    files = options.files or every
    for mutant, answer in answers(files, options.sample, options.seed, reached):
        if answer == SURVIVED and key(mutant, Path(mutant.path).read_text()) in judged:
            equivalent += 1
            continue
        counts.setdefault(mutant.path, []).append(answer in NOTICED)
        if answer != KILLED:
            place = f"{mutant.path}:{mutant.line} {mutant.inside}"
            print(f"{answer}: {place}\n    {mutant.was}\n    {mutant.became}", flush=True)
    for path, noticed in sorted(counts.items()):
        print(f"{sum(noticed):5} of {len(noticed):5} killed  {path}")
    killed, run = sum(map(sum, counts.values())), sum(map(len, counts.values()))
    exact = stats.binomtest(killed, run).proportion_ci(0.95, method="exact")
    print(f"{killed} of {run} killed: {killed / run:.1%}", end="")
    print(f" [{exact.low:.1%}, {exact.high:.1%}]" if options.sample < 1 else "", end="")
    print(f"; {equivalent} more survived that were judged equivalent")


if __name__ == "__main__":
    main()
