"""A bad value of any option is told before a model is loaded or a byte of the store changes."""

from __future__ import annotations

import importlib
import shutil
import sys
from typing import Any

import numpy as np
import pytest
import typer

import steerstat
from collect.directions.directions import add_direction
from collect.problems.problem_sets import add_set
from collect.problems.problems import add_problems, generated
from store.ingestion import ingest
from store.layout import create_store

PLAN = """
title = "push"
set = "primary"
problems = {problems}
alphas = [-3.0, 3.0]
smallest_effect = "20 pts"
[[contrast]]
name = "push"
direction = "{direction}"
"""
COLLECT = {
    "problems": ["gone"],
    "directions": ["", " ", "gone", "kind=gone", "no sql at all("],
    "model": ["./nowhere", "no/such/place/at/all"],
    "base": ["./nowhere"],
    "lora_alpha": ["x", "0", "-1", "nan", "inf"],
    "alphas": ["", "1:2", "nan", "3:1:1"],
    "seeds": ["-1", "0:0", "0:3", "9" * 23, str(2**31), "0:" + "9" * 23, "-5:3"],
    "site": ["elbow", "latent,latent", "residual:x"],
    "schedule": ["sometimes", "position:x", "[1, x]", "position:999", "position:6", "[1, 0]"],
    "operator": ["multiply"],
    "effect": ["indirect"],
    "protocol": ["codec"],
    "max_new_tokens": ["0", "x", "100001", "9" * 30],
    "temperature": ["-1", "nan", "x"],
    "dtype": ["float8"],
    "device": ["abacus"],
    "memory": ["4gigs", "", "0GB", "999k", "9" * 400],
}
FIELDS = {
    "n_latent": ["-1", "1025", "x"],
    "bot": ["behind"],
    "answer_start": ["now"],
    "parser": ["words"],
    "vocabulary": ["most"],
    "answer_format": ["no place"],
    "stop": [""],
    "date": ["31 Jan"],
}
COLLECT |= FIELDS | {"alpha_factors": ["", "n_steps", "n_steps:1=x", "gone:1=1", "n_steps:9=1"]}
TOKEN_IDS = {name: ["1", "x"] for name in ("pad_id", "bot_id", "eot_id")}  # one without the others
COLLECT |= TOKEN_IDS
MODEL = TOKEN_IDS | {
    name: COLLECT[name] for name in ("base", "lora_alpha", "device", "dtype", "protocol")
}
# Of every command: arguments with which it runs, and values with which it must not.
COMMANDS: dict[str, tuple[list[str], dict[str, list[str]]]] = {
    "collect": (["STORE", "--problems", "primary", "--directions", "mine"], COLLECT),
    "extract": (
        ["STORE", "--set", "primary"],
        MODEL
        | FIELDS
        | {"set_name": ["gone"], "sites": ["elbow", "all,latent"], "model": COLLECT["model"]},
    ),
    "reproduce": (
        ["--out", "NEW"],
        {
            "out": ["THESIS", "FILE"],
            "model": COLLECT["model"],
            **TOKEN_IDS,
            **{name: COLLECT[name] for name in ("base", "lora_alpha", "dtype", "device", "memory")},
            "problems": ["gone.json"],
            "split": ["gone.json"],
            "seed": ["-1", "x", "9" * 24],
        },
    ),
    "model info": (["bundled"], {name: MODEL[name] for name in MODEL if name != "protocol"}),
    "model check": (
        ["bundled"],
        MODEL | FIELDS | {"store": ["NOWHERE"], "set_name": ["primary"], "count": ["0"]},
    ),
    "problems generate": (
        ["STORE"],
        {
            "count": ["0", "x"],
            "mix": ["", "a,b", "0,0", "1,1,1,1,1", "nan", "-1,2"],
            "seed": ["-1", "9" * 24, str(2**63)],
            "set_name": ["../up", "primary"],
        },
    ),
    "problems add": (
        ["STORE", "LINES"],
        {
            "split": ["a b"],
            "side": ["left"],
            "parser": ["colour"],
            "map": ["question", "question=gone", "colour=question"],
            "set_name": ["../up", "primary"],
        },
    ),
    "problems split": (
        ["STORE", "new", "--count", "3"],
        {
            "count": ["0", "99", "x"],
            "source": ["gone"],
            "without": ["gone"],
            "as_split": ["a b"],
            "seed": ["-1", "9" * 24, str(2**63)],
            # Whose baseline it is says nothing of a set that is drawn at random.
            "model": ["codi-arithmetic"],
            "protocol": ["codi"],
            "baseline": ["12345678"],
        },
    ),
    "problems split --balanced": (
        ["STORE", "new", "--count", "1"],
        {"model": ["gone"], "protocol": ["gone"], "baseline": ["12345678"]},
    ),
    "directions fit": (
        ["STORE", "--fit", "mean_difference", "--set", "primary", "--name", "new"],
        {
            "fit": ["magic", "random_per_position"],
            "name": ["../up"],
            "set_name": ["gone"],
            "site": ["elbow"],
            "at": ["elbow"],
            "strata": ["moon"],
            "protocol": ["codec"],
            "model": ["gone"],
        },
    ),
    "directions controls": (
        ["STORE", "--of", "mine", "--number", "2"],
        {
            "of": ["gone", ""],
            "number": ["0"],
            "kind": ["gone", "shuffled_labels"],
            "name": ["", "../up"],
            "seed": ["-1", "9" * 24, str(2**63)],
        },
    ),
    "directions add": (
        ["STORE", "VECTORS", "--name", "new", "--kind", "k"],
        {
            "name": ["../up", "mine"],
            "kind": ["", " "],
            "site": ["elbow", "latent,latent"],
            "role": ["hero"],
            "parent": ["", "gone", "mine"],
            "query": ["select 1"],
            "rows": ["columns", "everywhere", "layers"],
            "first_layer": ["-1"],
        },
    ),
    "directions add --role control": (
        ["STORE", "VECTORS", "--name", "new", "--kind", "k"],
        {"parent": ["", "gone"]},
    ),
    "directions export": (
        ["STORE", "mine", "--out", "mine.safetensors"],
        {"out": ["mine.txt", "gone/mine.npy", "vectors.npy", "mine.gguf"]},
    ),
    "directions add --key x": (
        ["STORE", "ARCHIVE", "--name", "new", "--kind", "k"],
        {"key": ["y"]},
    ),
}
UNTRIED = {"help", "install_completion", "show_completion", "balanced", "question_suffix"}
UNTRIED |= {"end_of_text_around", "squeeze_spaces", "chat_template"}
FLAGS = {"--json", "--dry-run", "--stop-when-decided", "--plain-text", "--expressions", "--strict"}
FLAGS |= {"--allow-bad"}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A store with a set and two directions, and files beside it."""
    tmp_path = tmp_path_factory.mktemp("prepared")
    root = create_store(tmp_path / "store")
    rows = generated(8).rows
    add_problems(root, rows)
    labels = {row["problem_id"]: i % 2 == 0 for i, row in enumerate(rows)}
    add_set(root, "primary", list(labels), split="test", selection="all", labels=labels)
    for name in ("mine", "twin"):
        add_direction(root, np.full((6, 4), len(name) / 7), name=name, kind=f"kind of {name}")
    ingest(root)
    np.save(tmp_path / "vectors.npy", np.ones((2, 3, 4)))
    np.savez(tmp_path / "archive.npz", a=np.ones((3, 4)), b=np.ones((3, 4)))
    (tmp_path / "lines.jsonl").write_text('{"question": "Q?", "answer": "4"}\n')
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("text")
    return tmp_path


@pytest.fixture
def folder(prepared, tmp_path, monkeypatch):
    """A copy of them for one test, in which no model can be loaded."""

    def loaded(*_, **__):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr("collect.models.checkpoints.load_model", loaded)
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder):
    """Every file and folder below a folder, files with their bytes."""
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def refusal(capsys, monkeypatch, arguments):
    """What the front door says of the arguments; it must end with exit code 2."""
    monkeypatch.setattr(sys, "argv", ["steerstat", *arguments])
    with pytest.raises(SystemExit) as caught:
        steerstat.main()
    assert caught.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def parameters(command):
    """The parameters of a command by name, from its Typer app."""
    name, *inner = command.split(" --")[0].split()
    app = typer.main.get_command(importlib.import_module(steerstat.COMMANDS[name][0]).app)
    for part in inner:
        app = app.commands[part]  # type: ignore[attr-defined]
    return {parameter.name: parameter for parameter in app.params}


CASES = [
    (command, name, value)
    for command, (_, bad) in COMMANDS.items()
    for name, values in bad.items()
    for value in values
]


@pytest.mark.parametrize(("command", "name", "value"), CASES)
def test_a_bad_value_is_one_line_and_changes_nothing(
    folder, capsys, monkeypatch, command, name, value
):
    places = {
        "STORE": folder / "store",
        "NEW": folder / "new",
        "THESIS": folder / "thesis",
        "FILE": folder / "lines.jsonl",
        "LINES": folder / "lines.jsonl",
        "VECTORS": folder / "vectors.npy",
        "ARCHIVE": folder / "archive.npz",
        "NOWHERE": folder / "nowhere",
    }
    flag = parameters(command)[name].opts[0]
    given = [*command.split(), *COMMANDS[command][0]]
    if flag in given:  # the bad value takes the good one's place
        at = given.index(flag)
        del given[at : at + 2]
    arguments = [
        str(places.get(part, part)) for part in [*given, f"{flag}={places.get(value, value)}"]
    ]
    before = contents(folder)
    error = refusal(capsys, monkeypatch, arguments)
    assert contents(folder) == before
    assert len(error.strip().splitlines()) == 1, error
    assert error.startswith("steerstat: ")


def test_every_option_of_every_command_that_writes_is_tried():
    tried: dict[str, Any] = {}
    for command, (_, bad) in COMMANDS.items():
        tried.setdefault(command.split(" --")[0], set()).update(bad)
    for command, names in tried.items():
        options = {
            name
            for name, parameter in parameters(command).items()
            if parameter.param_type_name == "option" and not FLAGS & set(parameter.opts)
        }
        assert options - UNTRIED <= names, command


@pytest.mark.parametrize(
    ("plan", "more"),
    [
        (PLAN.format(problems=9, direction="mine"), ""),
        (PLAN.format(problems=8, direction="gone"), ""),
        ("title = 3", ""),
        (PLAN.format(problems=8, direction="mine"), '[collect]\nmemory = "4gigs"'),
        (PLAN.format(problems=8, direction="mine"), '[collect]\nspeed = "high"'),
    ],
)
def test_a_plan_that_does_not_fit_is_not_frozen(folder, capsys, monkeypatch, plan, more):
    (folder / "plan.toml").write_text(plan + more)
    before = contents(folder)
    error = refusal(capsys, monkeypatch, ["collect", str(folder / "store"), "plan.toml"])
    assert error.startswith("steerstat: ")
    assert contents(folder) == before


def test_a_schedule_of_no_direction_is_refused(folder, capsys, monkeypatch):
    arguments = ["collect", str(folder / "store"), "--problems", "primary"]
    error = refusal(capsys, monkeypatch, [*arguments, "--schedule", "position:999"])
    assert error == ("steerstat: --schedule position:999 weights directions: give --directions\n")


@pytest.mark.parametrize("stopping", [True, False])
def test_memory_is_read_before_a_plan_is_frozen(folder, capsys, monkeypatch, stopping):
    (folder / "plan.toml").write_text(
        PLAN.format(problems=8, direction="mine") + '[stopping]\nrule = "e-value"\norder_seed = 1\n'
    )
    before = contents(folder)
    arguments = ["collect", str(folder / "store"), "plan.toml", "--memory", "4gigs"]
    arguments += ["--stop-when-decided"] if stopping else []
    error = refusal(capsys, monkeypatch, arguments)
    assert error == "steerstat: --memory '4gigs' is no amount of memory: write 4GB or 500MB\n"
    assert contents(folder) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["collect", "new", "--problems", "primary"],
        ["extract", "new", "--set", "primary"],
        ["problems", "generate", "new", "--set", "../up"],
        ["problems", "add", "new", "lines.jsonl", "--split", "a b"],
        ["problems", "split", "new", "name", "--count", "1"],
        ["directions", "fit", "new", "--fit", "mean_difference", "--set", "a", "--name", "b"],
        ["directions", "controls", "new", "--of", "a", "--number", "1"],
        ["directions", "add", "new", "vectors.npy", "--name", "a", "--kind", "b"],
    ],
)
def test_a_store_is_not_made_for_a_request_that_cannot_be_met(
    folder, capsys, monkeypatch, arguments
):
    error = refusal(capsys, monkeypatch, arguments)
    assert error.startswith("steerstat: ")
    assert len(error.splitlines()) == 1
    assert not (folder / "new").exists()


def test_what_only_the_model_can_tell_is_told_before_anything_is_written(
    bundled, folder, capsys, monkeypatch
):
    monkeypatch.setattr("collect.models.checkpoints.load_model", lambda *_, **__: bundled)
    (folder / "plan.toml").write_text(PLAN.format(problems=8, direction="mine"))
    store = str(folder / "store")
    before = contents(folder)
    for arguments, message in (
        (["collect", store, "plan.toml"], "has shape"),
        (["collect", store, "plan.toml", "--protocol", "report", "--alphas=1"], "has shape"),
        (["extract", store, "--set", "primary", "--sites", "residual:99"], "has blocks"),
    ):
        assert message in refusal(capsys, monkeypatch, arguments)
        assert contents(folder) == before
