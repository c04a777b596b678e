"""`extract` and `model` on tiny checkpoints in published forms."""

import json

import numpy as np
import pytest
import torch

from collect.cli import extract as extract_command
from collect.cli import model as model_command
from collect.directions.extraction import extract, sites_of, stored_activations
from collect.engine.protocol import default_protocol
from collect.engine.reading import activations
from collect.models.checkpoints import load_model
from collect.problems.problem_sets import add_set
from collect.problems.problems import add_problems, generated
from collect.sweeps.inspection import example_problems
from sql.errors import UserError
from store import shards
from store.layout import create_store
from tests.collect.cli.test_model_commands import invoke
from tests.collect.models.checkpoint_files import (
    published_codi,
    write_base,
    write_coconut,
    write_codi,
    write_plain,
)

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Folders of a base, a CODI, a Coconut and a plain checkpoint."""
    folder = tmp_path_factory.mktemp("models")
    base = write_base(folder / "base")
    write_codi(folder / "codi", published_codi(base))
    write_coconut(folder / "coconut", base)
    write_plain(folder / "plain")
    return folder


def test_extract_stores_what_the_model_computes(places, tmp_path):
    root = create_store(tmp_path / "store")
    rows = generated(6).rows
    add_problems(root, rows)
    ids = [row["problem_id"] for row in rows]
    add_set(root, "few", ids[:4], split="train", selection="all")
    add_set(root, "all", ids, split="train", selection="all")
    common = (root, "--model", places / "codi", "--base", places / "base")
    invoke(extract_command.app, *common, "--set", "few")
    result = invoke(extract_command.app, *common, "--set", "all", "--sites", "latent,residual:0")
    # 2 problems at latent and 6 at residual:0 were missing, with 6 positions each
    assert "48 rows of activations added" in result.stderr
    result = invoke(extract_command.app, *common, "--set", "all", "--sites", "latent,residual:0")
    assert result.stderr.startswith("0 rows")
    model = load_model(places / "codi", base=places / "base")
    questions = {row["problem_id"]: row["question"] for row in rows}
    found = activations(model, [questions[i] for i in ids], sites=["latent"], protocol="codi")
    model_id, stored = stored_activations(root, ids, site="latent", model="codi")
    np.testing.assert_allclose(stored, found["latent"], rtol=1e-4, atol=1e-5)
    assert shards.committed(root, "models")["model_id"].to_pylist() == [model_id]
    (twice,) = {len(set(ids)), len(ids)}
    assert shards.committed(root, "activations").num_rows == twice * 6 * 2


def test_sites(places):
    codi = load_model(places / "codi", base=places / "base")
    plain = load_model(places / "plain")
    assert sites_of("all", codi) == ["latent", "latent_projected", "residual:0", "residual:1"]
    assert sites_of("all", plain) == ["residual:0", "residual:1"]
    with pytest.raises(UserError, match=r"blocks 0 to 1, not residual:2"):
        sites_of("latent,residual:2", codi)


def test_plain_models_are_extracted_at_the_prompt(places, tmp_path):
    root = create_store(tmp_path / "store")
    rows = generated(3).rows
    add_problems(root, rows)
    problems = [(row["problem_id"], row["question"]) for row in rows]
    plain = load_model(places / "plain")
    assert extract(root, plain, problems, sites=["residual:1"], protocol="plain") == 3
    _, stored = stored_activations(
        root, [problem for problem, _ in problems], site="residual:1", protocol="plain"
    )
    assert stored.shape == (3, 1, 16)


def test_default_protocols_and_questions(places):
    codi = load_model(places / "codi", base=places / "base")
    assert default_protocol(codi) == "codi"
    assert default_protocol(load_model(places / "coconut", base=places / "base")) == "coconut"
    assert default_protocol(load_model(places / "plain")) == "plain"
    questions, answers = example_problems(codi, 4)
    assert len(questions) == len(answers) == 4
    unknown = codi.tokenizer.unk_token_id
    assert not any(unknown in codi.tokenizer(question)["input_ids"] for question in questions)


def test_info(places):
    arguments = (places / "codi", "--base", places / "base")
    told = json.loads(invoke(model_command.app, "info", *arguments, "--json").stdout)
    assert (told["family"], told["n_latent"], told["vocabulary"]) == ("codi", 6, told["eot_id"] + 1)
    assert "weights_sha256" in invoke(model_command.app, "info", *arguments).stdout


@pytest.mark.parametrize("name", ["codi", "coconut", "plain"])
def test_check_runs_the_gates(places, name):
    base = () if name == "plain" else ("--base", places / "base")
    arguments = ("check", places / name, *base, "--count", 3)
    gates = json.loads(invoke(model_command.app, *arguments, "--json").stdout)
    assert gates["passed"] is True
    assert gates["protocol"] == name
    assert gates["n_questions"] == 3
    moved = gates["live"]["largest_logit_change"]
    assert any(site.startswith("residual:1") for site in moved)


def test_check_says_what_is_dead(places):
    arguments = ("check", places / "codi", "--base", places / "base", "--count", 2)
    text = invoke(model_command.app, *arguments, "--protocol", "report").stdout
    # The report's loop never feeds its sixth vector back.
    assert "latent[5]" in text.splitlines()[-1]
    with pytest.raises(UserError, match="both --store and --set"):
        invoke(model_command.app, *arguments, "--set", "few")
