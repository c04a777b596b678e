"""The commands before a sweep: problems, extract, directions, model."""

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from collect.cli import directions, problems
from collect.directions.directions import add_direction
from sql.errors import UserError
from store import shards
from store.layout import create_store
from store.querying import read
from tests.collect.problems.test_problems import add_baseline
from tests.paths import ROOT

RUNNER = CliRunner()


def invoke(app, *arguments):
    """Run a command; errors of the user's making are raised as they are."""
    result = RUNNER.invoke(app, list(map(str, arguments)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_problems_from_generator_to_sets(tmp_path):
    store = tmp_path / "store"
    invoke(problems.app, "generate", store, "--count", 30, "--seed", 1, "--set", "pool")
    ids = [row["problem_id"] for row in shards.committed(store, "problems").to_pylist()]
    add_baseline(store, {problem: i % 2 == 0 for i, problem in enumerate(ids)})
    split = ("split", store)
    invoke(problems.app, *split, "train", "--count", 5, "--balanced", "--split", "train")
    invoke(problems.app, *split, "test", "--count", 12, "--from", "pool", "--without", "train")
    listed = json.loads(invoke(problems.app, "list", store, "--json").stdout)
    assert [(row["set_name"], row["n"], row["n_right"]) for row in listed] == [
        ("pool", 30, 0),
        ("test", 12, 0),
        ("train", 10, 5),
    ]
    assert "balanced_on_baseline" in invoke(problems.app, "list", store).stdout
    of_set = json.loads(invoke(problems.app, "list", store, "--set", "train", "--json").stdout)
    assert sum(row["label"] for row in of_set) == 5
    overview = read(store, "select set_name, n from sets_overview order by set_name").to_pylist()
    assert [row["n"] for row in overview] == [30, 12, 10]


def test_problems_from_a_file_with_bad_entries(tmp_path):
    path = tmp_path / "some.jsonl"
    path.write_text('{"question": "Q?", "answer": "#### 4"}\n{"question": "R?", "answer": "-"}\n')
    with pytest.raises(UserError, match=r"1 of 2 entries .*--allow-bad adds the others"):
        invoke(problems.app, "add", tmp_path / "store", path, "--set", "mine")
    asked = ("--set", "mine", "--allow-bad")
    result = invoke(problems.app, "add", tmp_path / "store", path, *asked)
    assert result.stdout == ""
    assert "1 problems added" in result.stderr
    assert "left out: some.jsonl line 2: field answer: no number in the answer" in result.stderr
    with pytest.raises(UserError, match="1 unusable entries"):
        invoke(problems.app, "add", tmp_path / "store", path, "--strict")
    with pytest.raises(UserError, match="--mix"):
        invoke(problems.app, "generate", tmp_path / "store", "--mix", "a,b")


def test_directions_added_listed_and_shown(tmp_path):
    store = create_store(tmp_path / "store")
    np.save(tmp_path / "mine.npy", np.ones((3, 4), dtype=np.float32))
    add = ("add", store, tmp_path / "mine.npy")
    invoke(directions.app, *add, "--name", "mine", "--kind", "probe of mine")
    query = "select 0 as position, [3.0, 4.0] as values"
    invoke(
        directions.app, "add", store, "--query", query, "--name", "sql", "--kind", "sql",
        "--role", "control", "--parent", "mine", "--site", "residual:1",
    )  # fmt: skip
    invoke(
        directions.app, "controls", store, "--of", "mine", "--number", 3, "--name", "noise",
    )  # fmt: skip
    listed = json.loads(invoke(directions.app, "list", store, "--json").stdout)
    assert [row["name"] for row in listed] == ["mine", "noise_000", "noise_001", "noise_002", "sql"]
    assert listed[-1]["norm"] == 5
    assert listed[-1]["parent"] == "mine"
    assert listed[-1]["recipe"] == {"query": query}
    assert "probe of mine" in invoke(directions.app, "list", store).stdout
    shown = invoke(directions.app, "show", store, "mine").stdout
    assert "mine.npy" in shown
    named = read(store, "select name from directions order by name").to_pylist()
    assert len(named) == 5


def test_controls_of_the_same_seed_are_drawn_once(tmp_path):
    store = create_store(tmp_path / "store")
    add_direction(store, np.arange(12.0).reshape(3, 4) + 1, name="mine", kind="k")
    controls = ("controls", store, "--of", "mine", "--seed", 3)
    told = invoke(directions.app, *controls, "--number", 2, "--name", "noise")
    assert told.stderr == "added 2 control directions for mine\n"
    before = shards.committed(store, "direction_vectors").num_rows
    invoke(directions.app, *controls, "--number", 2, "--name", "noise")
    assert shards.committed(store, "direction_vectors").num_rows == before
    invoke(directions.app, *controls, "--number", 1, "--kind", "random_total_norm")
    listed = json.loads(invoke(directions.app, "list", store, "--json").stdout)
    assert [(row["name"], row["kind"], row["parent"]) for row in listed] == [
        ("mine", "k", None),
        ("mine_random_total_norm", "random_total_norm", "mine"),
        ("noise_000", "random_per_position", "mine"),
        ("noise_001", "random_per_position", "mine"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "STORE"), "either a file"),
        (("add", "STORE", "a.npy", "--query", "select 1"), "either a file"),
        (("add", "STORE", "--query", "select 1", "--name", "x"), "needs a name and a kind"),
        (("add", "STORE", "a.npy", "--name", "../x", "--kind", "k"), "no usable name"),
        (("add", "STORE", "gone.npy", "--name", "x", "--kind", "k"), "no file gone.npy"),
        (
            ("fit", "STORE", "--fit", "random_total_norm", "--name", "x", "--site", "residual:1"),
            "directions controls .* --of CANDIDATE --number 99 --kind random_total_norm",
        ),
        (("fit", "STORE", "--fit", "mean_difference", "--name", "x"), "--set"),
        (("show", "STORE", "x"), "no direction"),
        (("list", "NOWHERE"), "is no store"),
    ],
)
def test_bad_directions_are_one_line(tmp_path, arguments, message):
    store = create_store(tmp_path / "store")
    add_direction(store, np.ones((2, 3)), name="there", kind="k")
    places = {"STORE": store, "NOWHERE": tmp_path / "nowhere"}
    with pytest.raises(UserError, match=message) as caught:
        invoke(directions.app, *(places.get(part, part) for part in arguments))
    assert "\n" not in str(caught.value)


def test_handling_rows_needs_no_torch():
    code = (
        "import sys, collect.cli.directions, collect.cli.problems, collect.directions.directions, "
        "collect.directions.catalogue, collect.directions.fitting, collect.problems.problem_sets; "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    root = ROOT
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
