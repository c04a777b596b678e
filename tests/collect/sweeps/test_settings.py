"""One store, several models and protocols: fields are said, recorded, and never a dead end."""

import json
import re

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import steerstat
from collect.directions.directions import NewDirection, add_directions
from collect.directions.extraction import extract, stored_activations
from collect.directions.fitting import FitRequest, draw_controls, fit_direction
from collect.directions.selection import select_directions
from collect.models.checkpoints import load_model
from collect.problems.problem_sets import add_set, members
from collect.problems.problems import add_problems, generated, problem_row
from collect.sweeps.request import make_request
from collect.sweeps.work import run_request, work_out
from sql.errors import UserError
from store import committed
from store.ingestion import ingest
from store.layout import create_store
from tests.collect.models.checkpoint_files import (
    D_MODEL,
    published_codi,
    write_base,
    write_coconut,
    write_codi,
    write_plain,
)
from tests.reading import read

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    base = write_base(folder / "base")
    write_codi(folder / "codi", published_codi(base))
    write_codi(folder / "other", published_codi(base, seed=1))
    write_coconut(folder / "coconut", base)
    write_plain(folder / "plain")
    return folder


@pytest.fixture(autouse=True)
def _few_gated_problems(monkeypatch):
    monkeypatch.setattr("collect.sweeps.work.GATED_PROBLEMS", 1)
    monkeypatch.setattr("collect.sweeps.extracting.GATED_PROBLEMS", 1)


@pytest.fixture
def root(tmp_path):
    root = create_store(tmp_path / "store")
    rows = generated(8).rows
    add_problems(root, rows)
    ids = [row["problem_id"] for row in rows]
    labels = {problem: i % 2 == 0 for i, problem in enumerate(ids)}
    add_set(root, "few", ids, split="train", selection="all", labels=labels)
    return root


def command(*arguments, code=0):
    result = CliRunner().invoke(steerstat.app, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return str(result.exception) if code else result.output


def request(root, places, family="codi", **options):
    given = {"problems": "few", "max_new_tokens": 3, "device": "cpu", **options}
    base = None if family == "plain" else str(places / "base")
    return make_request(root, model=str(places / family), base=base, **given)


def collected(root, places, family="codi", **options):
    return list(run_request(request(root, places, family, **options)))


def fields_of(root):
    return [json.loads(r["protocol_fields"]) for r in committed(root, "conditions").to_pylist()]


@pytest.mark.parametrize("family", ["codi", "coconut", "plain"])
def test_a_sweep_runs_under_the_models_own_protocol(root, places, family):
    collected(root, places, family)
    (row,) = committed(root, "conditions").to_pylist()
    assert row["protocol"] == family
    assert json.loads(committed(root, "runs")["gates"].to_pylist()[0]).keys() == {family}


SAID = {
    "n_latent": 2,
    "bot": "first_latent",
    "answer_start": "eot",
    "end_of_text_around": True,
    "parser": "choice",
    "vocabulary": "all",
    "answer_format": "{answer} !",
    "question_suffix": " A:",
    "squeeze_spaces": False,
    "stop": ("apples", "pens"),
}
PLAN = """
title = "t"
set = "few"
problems = 8
alphas = [{alpha}]
smallest_effect = "20 pts"
discordance = "40%"
[[contrast]]
name = "push"
direction = "push"
protocol = "{protocol}"
[collect]
model = "{model}"
base = "{base}"
max_new_tokens = 3
"""


def a_plan(tmp_path, places, more="", *, alpha=1.0, protocol="codi", family="codi"):
    path = tmp_path / "plan.toml"
    given = {"alpha": alpha, "protocol": protocol, "base": places / "base"}
    path.write_text(PLAN.format(model=places / family, **given) + more)
    return path


def test_every_field_can_be_said_in_a_command_and_in_a_plan(root, places, tmp_path):
    options = []
    for name, value in SAID.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            options.append(flag if value else f"--no-{flag[2:]}")
        else:
            several = value if isinstance(value, tuple) else (value,)
            options += [part for one in several for part in (flag, str(one))]
    common = ("--model", places / "codi", "--base", places / "base", "--max-new-tokens", 3)
    command("collect", root, "--problems", "few", *common, *options)
    (said,) = fields_of(root)
    version = said["parser_version"]
    assert {**said, "stop": tuple(said["stop"])} == SAID | {
        "max_new_tokens": 3,
        "chat_template": False,
        "parser_version": version,
    }
    add_push(root, np.ones(D_MODEL))
    lines = "".join(
        f"{name} = {json.dumps(list(value) if isinstance(value, tuple) else value)}\n"
        for name, value in SAID.items()
    )
    planned = list(run_request(make_request(root, plan=a_plan(tmp_path, places, lines))))
    assert any("8 units computed" in line for line in planned)  # the baseline was there
    assert {json.dumps(fields) for fields in fields_of(root)} == {json.dumps(said)}
    view = read(root, "SELECT DISTINCT n_latent, parser, stop FROM condition_protocols")
    assert view.to_pylist() == [{"n_latent": 2, "parser": "choice", "stop": '["apples","pens"]'}]
    # What a command says goes before what a plan says.
    told = make_request(root, plan=tmp_path / "plan.toml", fields={"n_latent": 3})
    assert told.fields["n_latent"] == 3
    assert told.fields["parser"] == "choice"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("n_latent = true", "'n_latent' is True; it should be a number"),
        ("n_latent = 'two'", "it should be a number"),
        ("stop = 'Q'", "it should be a list of texts"),
        ("stop = [1]", "it should be a list of texts"),
        ("chat_template = 1", "it should be true or false"),
        ("parser = 3", "it should be text"),
        ("parser = 'words'", "parser 'words'"),
        ("thoughts = 2", "is no option"),
    ],
)
def test_a_field_of_a_plan_has_its_type(root, places, tmp_path, line, message):
    add_push(root)
    with pytest.raises(UserError, match=re.escape(message)):
        make_request(root, plan=a_plan(tmp_path, places, f"{line}\n"))


def add_push(root, vectors=None, name="push"):
    vectors = np.ones((6, D_MODEL)) if vectors is None else vectors
    add_directions(root, [NewDirection(vectors=vectors, name=name, kind="mine")])


def test_a_plan_is_about_the_protocol_that_the_model_has(root, places, tmp_path):
    add_push(root)
    right = a_plan(tmp_path, places, protocol="coconut", family="coconut")
    work = work_out(make_request(root, plan=right))
    assert work.request.protocol == "coconut"
    assert len(work.conditions) == 2
    wrong = a_plan(tmp_path, places, protocol="codi", family="coconut")
    with pytest.raises(UserError, match="set few and protocol coconut"):
        work_out(make_request(root, plan=wrong))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"operator": "project_out"}, "project_out has no dose"),
        ({"schedule": "[2, 0, 0, 0, 0, 0]"}, "has the one weight 2: plan the doses times 2"),
        ({"alpha_factors": "n_steps:1=2,2=2,3=2,4=2"}, "all strata the factor 2"),
    ],
)
def test_a_plan_says_the_doses_that_are_stored(root, places, tmp_path, options, message):
    add_push(root)
    path = a_plan(tmp_path, places, alpha=3.0)
    with pytest.raises(UserError, match=re.escape(message)):
        make_request(root, plan=path, **options)
    same = a_plan(tmp_path, places, alpha=1.0)
    assert make_request(root, plan=same, operator="project_out").operator == "project_out"


def test_project_out_at_seven_alphas_is_one_condition(root, places):
    add_push(root)
    work = work_out(
        request(root, places, directions="push", alphas="-3:3:1", operator="project_out")
    )
    assert len(work.conditions) == 2
    plain = work_out(request(root, places, directions="push", alphas="-3:3:1"))
    assert len(plain.conditions) == 7


def test_the_parser_of_a_set_is_used(root, places):
    rows = [
        problem_row(f"Which letter , {letter} ?", letter, parser="choice", source="here")
        for letter in "AB"
    ]
    add_problems(root, rows)
    ids = [row["problem_id"] for row in rows]
    add_set(root, "letters", ids, split="test", selection="all")
    assert request(root, places, problems="letters").fields["parser"] == "choice"
    assert request(root, places).fields["parser"] == "number"
    said = {"parser": "true_false"}
    assert request(root, places, problems="letters", fields=said).fields["parser"] == "true_false"
    add_set(root, "mixed", [*ids, *members(root, "few")], split="test", selection="all")
    with pytest.raises(UserError, match=r"several parsers.*--parser"):
        request(root, places, problems="mixed")
    assert request(root, places, problems="mixed", fields=said).fields["parser"] == "true_false"


def test_a_dose_that_depends_on_the_problem_is_said_and_stored(root, places):
    add_push(root)
    rule = "n_steps:1=0.5,2=1,3=1.5,4=2"
    common = ("--model", places / "codi", "--base", places / "base", "--max-new-tokens", 3)
    options = ("--directions", "push", "--alphas", "2", "--alpha-factors", rule)
    command("collect", root, "--problems", "few", *common, *options)
    told = read(root, "SELECT alpha, alpha_factors FROM condition_protocols JOIN conditions "
                "USING (condition_id) WHERE direction_id IS NOT NULL")  # fmt: skip
    factors = 'n_steps {"1":0.5,"2":1.0,"3":1.5,"4":2.0}'
    assert told.to_pylist() == [{"alpha": 2.0, "alpha_factors": factors}]
    with pytest.raises(UserError, match="give --directions"):
        request(root, places, alpha_factors=rule)


def test_one_vector_at_position_0_stays_there_with_its_controls(root):
    add_push(root, np.ones((1, D_MODEL)), "first")
    add_push(root, np.ones(D_MODEL), "all")
    for like in ("first", "all"):
        draw_controls(root, "random_per_position", like=like, count=2)
    found = {one.name: one.steering(1.0) for one in select_directions(root, "*")}
    assert {name for name, steering in found.items() if steering.at_position_0} == {
        "first",
        "first_random_per_position_000",
        "first_random_per_position_001",
    }


def test_extract_records_its_dtype_and_passes_the_gates(root, places):
    model = ("--model", places / "codi", "--base", places / "base")
    common = ("extract", root, "--set", "few", *model, "--sites", "latent,residual:1")
    assert "96 rows" in command(*common)
    assert "0 rows" in command(*common)
    assert "96 rows" in command(*common, "--dtype", "bfloat16")
    assert "32 rows" in command(*common, "--n-latent", 2)
    names = ["codi", "codi dtype=bfloat16", "codi n_latent=2"]
    runs = committed(root, "runs").to_pylist()
    gates = [json.loads(row["gates"]) for row in runs if row["status"] == "complete"]
    assert sorted(name for gate in gates for name in gate) == names
    dtypes = {name: found["dtype"] for gate in gates for name, found in gate.items()}
    assert dtypes == dict(zip(names, ["float32", "bfloat16", "float32"], strict=True))
    assert all(found["passed"] for gate in gates for found in gate.values())
    stored = committed(root, "activations", ["protocol"])["protocol"].unique().to_pylist()
    assert sorted(stored) == names
    # Which of them a fit is on is asked, and what is listed settles it.
    fit = ("directions", "fit", root, "--fit", "mean_difference", "--set", "few")
    said = command(*fit, "--name", "a", code=1)
    assert "say --protocol" in said.replace("\n", " ")
    command(*fit, "--name", "a", "--protocol", "codi dtype=bfloat16")
    (fitted,) = select_directions(root, "a")
    assert fitted.recipe["protocol"] == "codi dtype=bfloat16"


def test_a_gate_that_fails_keeps_extract_from_writing(root, places, monkeypatch):
    def fails(*arguments, **options):
        raise UserError("gate baseline failed")

    monkeypatch.setattr("collect.sweeps.extracting.run_gates", fails)
    arguments = ("--set", "few", "--model", places / "codi", "--base", places / "base")
    assert "gate baseline failed" in command("extract", root, *arguments, code=1)
    assert committed(root, "activations").num_rows == committed(root, "runs").num_rows == 0


def test_a_second_model_leaves_no_dead_end(root, places):
    problems = [
        (row["problem_id"], row["question"]) for row in committed(root, "problems").to_pylist()
    ]
    models = [load_model(places / name, base=places / "base") for name in ("codi", "other")]
    extract(root, models[0], problems, sites=["latent"])
    request = FitRequest(fit="mean_difference", set_name="few")
    fit_direction(root, request, name="raw")
    extract(root, models[1], problems, sites=["latent"])
    ids = draw_controls(root, "shuffled_labels", like="raw", count=2)
    assert len(ids) == 2
    with pytest.raises(UserError, match=r"codi, codi; other, codi\): say --model"):
        fit_direction(root, request, name="next")
    for key in ("other", models[1].model_id, models[1].model_id[:8]):
        chosen, _ = stored_activations(root, [problems[0][0]], site="latent", model=key)
        assert chosen == models[1].model_id
    with pytest.raises(UserError, match="no stored activations"):
        stored_activations(root, [problems[0][0]], site="latent", model="gone")


def test_two_models_of_one_name_are_told_apart_by_their_ids(root, places, tmp_path):
    problems = [
        (row["problem_id"], row["question"]) for row in committed(root, "problems").to_pylist()
    ]
    twin = write_codi(tmp_path / "codi", published_codi(places / "base", seed=2))
    models = [load_model(folder, base=places / "base") for folder in (places / "codi", twin)]
    for model in models:
        extract(root, model, problems, sites=["latent"])
    keys = sorted(model.model_id[:8] for model in models)
    with pytest.raises(UserError, match=f"{keys[0]}, codi; {keys[1]}, codi.*say --model"):
        fit_direction(root, FitRequest(fit="mean_difference", set_name="few"), name="a")
    chosen = FitRequest(fit="mean_difference", set_name="few", model=keys[1])
    assert fit_direction(root, chosen, name="a")


def test_another_token_limit_leaves_no_dead_end(root, places):
    for tokens in (2, 3):
        collected(root, places, max_new_tokens=tokens)
    ingest(root)
    draw = ("problems", "split", root, "half", "--count", "1", "--balanced")
    said = " ".join(command(*draw, code=1).split())
    found = re.search(r"(\w{8}): max_new_tokens 2; (\w{8}): max_new_tokens 3", said) or re.search(
        r"(\w{8}): max_new_tokens 3; (\w{8}): max_new_tokens 2", said
    )
    assert found, said
    # Random models get nothing right: but which baseline is meant is settled.
    again = " ".join(command(*draw, "--baseline", found[1], code=1).split())
    assert "asked for 1" in again
    assert "--baseline names whose baseline" in " ".join(
        command(
            "problems", "split", root, "x", "--count", "1", "--baseline", found[1], code=1
        ).split()
    )


def test_a_sweep_goes_on_with_the_limit_of_the_store_and_says_so(root, places):
    collected(root, places, max_new_tokens=2)
    lines = collected(root, places, max_new_tokens=None, dtype="bfloat16")
    assert lines[0].startswith("answers end after 2 tokens, as in the conditions of the store")
    assert {fields["max_new_tokens"] for fields in fields_of(root)} == {2}
    # Another number of thoughts is another protocol: nothing of it is there to go on with.
    said = request(root, places, max_new_tokens=None, fields={"n_latent": 1})
    assert work_out(said).setting.protocol.max_new_tokens == 32
    assert work_out(said).notes == ()
    collected(root, places, max_new_tokens=3)
    with pytest.raises(UserError, match="at most 2 or 3 tokens: say with --max-new-tokens"):
        work_out(request(root, places, max_new_tokens=None))
