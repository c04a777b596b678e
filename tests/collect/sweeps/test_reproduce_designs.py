"""Other designs through the same code: the report's own files, and a model without thoughts."""

import json
import subprocess
import sys

import pytest
import torch

from collect.models.checkpoints import load_model
from collect.problems.expressions import expressions
from collect.problems.problem_sets import members
from collect.problems.report_split import add_report_split, read_published
from collect.sweeps.designs import PLAIN_SCALE, Scale, _two_branches, plain, published
from collect.sweeps.progress import Steps
from collect.sweeps.reproduce import run_design
from collect.sweeps.sweep import Setting
from sql.errors import UserError
from store import committed, create_store
from tests.collect.models.checkpoint_files import (
    published_codi,
    write_base,
    write_codi,
    write_plain,
)
from tests.paths import ROOT
from tests.reading import read

TINY = Scale(primary=10, controls=3, report_controls=2, alphas=(-1.0, 0.0, 1.0))
PARTS = ("train_correct", "train_wrong", "test_correct", "test_wrong")
torch.set_num_threads(1)


@pytest.fixture(scope="module")
def checkpoint_folder(tmp_path_factory):
    """A random Llama CODI in the published format, which reads long questions."""
    folder = tmp_path_factory.mktemp("published")
    base = write_base(folder / "base", "llama")
    write_codi(folder / "codi", published_codi(base))
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 1024}))
    return folder


@pytest.fixture(scope="module")
def checkpoint(checkpoint_folder):
    """The same, loaded."""
    return load_model(checkpoint_folder / "codi", base=checkpoint_folder / "base")


@pytest.fixture(scope="module")
def files(published_data, tmp_path_factory):
    """The published files, cut to the problems of a small split; one problem leaks, as there."""
    folder = tmp_path_factory.mktemp("files")
    split = json.loads((published_data / "steering_dataset_gpt2.json").read_text())
    small = {part: split[part][:8] for part in PARTS}
    small["test_wrong"] = [*small["test_wrong"], small["train_wrong"][0]]
    wanted = {entry["pair_id"] for part in small.values() for entry in part}
    pairs = json.loads((published_data / "problem_pairs_gpt4_answers.json").read_text())
    kept = [pair for pair in pairs if pair["pair_id"] in wanted]
    more = [pair for pair in pairs if pair["pair_id"] not in wanted][:10]
    (folder / "pairs.json").write_text(json.dumps(kept + more))
    (folder / "split.json").write_text(json.dumps(small))
    return folder / "pairs.json", folder / "split.json"


def test_the_reports_experiment_runs_beside_its_corrected_twin(checkpoint, files, tmp_path):
    design = published(checkpoint, read_published(*files), seed=0, scale=TINY)
    with Steps(quiet=True) as steps:
        root = run_design(tmp_path / "store", design, seed=0, steps=steps)
    sets = {name: set(members(root, name)) for name in ("report_train", "report_test", "primary")}
    train = set(members(root, "train"))
    assert len(sets["primary"]) == 10
    # The published split shares problems between its two sets; the twin is fitted on none of them.
    assert sets["report_train"] & sets["report_test"]
    assert train == sets["report_train"] - sets["report_test"] - sets["primary"]
    rows = read(
        root,
        "select distinct protocol, set_name, direction from accuracy_by_alpha "
        "where role = 'candidate' and set_name in ('report_test', 'primary') and n > 0",
    ).to_pylist()
    by_protocol = {(r["protocol"], r["set_name"], r["direction"]) for r in rows}
    assert ("report", "report_test", "report_mean_difference") in by_protocol
    for name in ("primary", "report_test"):
        assert ("codi", name, "mean_difference") in by_protocol
        assert ("codi", name, "mean_difference_matched") in by_protocol
    directions = committed(root, "directions").to_pylist()
    kinds = [row["kind"] for row in directions if row["role"] == "control"]
    assert (kinds.count("random_per_position"), kinds.count("random_total_norm")) == (6, 2)
    report = next(row for row in directions if row["name"] == "report_mean_difference")
    assert (json.loads(report["recipe"])["fitted_at"], report["site"]) == ("residual:0", "latent")


def test_the_real_files_split_as_published(published_data, tmp_path):
    root = create_store(tmp_path / "store")
    pairs = published_data / "problem_pairs_gpt4_answers.json"
    data = read_published(pairs, published_data / "steering_dataset_gpt2.json")
    split = add_report_split(root, data)
    assert len(members(root, "report_train")) + len(members(root, "report_test")) <= split.listed


def test_a_split_of_other_problems_is_refused(files, tmp_path):
    pairs, split = files
    told = json.loads(split.read_text())
    told["train_wrong"][0]["pair_id"] = 10**6
    other = tmp_path / "other.json"
    other.write_text(json.dumps(told))
    with pytest.raises(UserError, match="names pair 1000000"):
        read_published(pairs, other)


def test_a_plain_model_is_steered_at_its_middle_layer(tmp_path, monkeypatch):
    from collect.sweeps import designs

    write_plain(tmp_path / "plain")
    model = load_model(tmp_path / "plain")
    # A tokenizer of 72 words has no chat format, and a random model no right answers to fit on.
    monkeypatch.setattr(
        designs,
        "_setting",
        lambda m, _, n: Setting(m, _plain_protocol(m), {"mode": "greedy"}),
    )
    labelled = Scale(pool=30, mix=(1, 1), primary=10, train=5, controls=2, alphas=(-1.0, 0.0, 1.0))
    design = plain(model, seed=0, scale=labelled)

    def labels(root, **_):
        ids = sorted(committed(root, "problems", ["problem_id"])["problem_id"].to_pylist())
        return {one: i % 2 == 0 for i, one in enumerate(ids)}, None

    monkeypatch.setattr("collect.problems.problem_sets.baseline_labels", labels)
    with Steps(quiet=True) as steps:
        root = run_design(tmp_path / "store", design, seed=0, steps=steps)
    conditions = committed(root, "conditions").to_pylist()
    assert {row["site"] for row in conditions} == {None, "residual:0"}
    assert len(conditions) == 1 + 2 * 2 + 2 * 2 * 2  # baseline, candidates, controls of each
    assert committed(root, "outcomes").num_rows == 30 + 10 * (2 * 2 + 2 * 2 * 2)


def _plain_protocol(model):
    from collect.engine.protocol import resolve_protocol

    return resolve_protocol("plain", model, max_new_tokens=4)


def test_two_branches_differ_in_protocol_site_and_controls(checkpoint):
    corrected, report = _two_branches(
        checkpoint, TINY, 8, corrected=("train", ("primary",)), report=("train", ("test",))
    )
    assert (corrected.setting.protocol.name, report.setting.protocol.name) == ("codi", "report")
    assert corrected.fits["mean_difference"].fitted_at == corrected.site
    assert report.fits["report_mean_difference"].fitted_at != report.site
    assert (corrected.control, report.control) == ("random_per_position", "random_total_norm")


def test_there_are_enough_sums_for_a_plain_model():
    found = expressions(PLAIN_SCALE.pool, mix=PLAIN_SCALE.mix).rows
    assert len(found) == PLAIN_SCALE.pool > PLAIN_SCALE.primary + 2 * PLAIN_SCALE.train


def test_the_published_experiment_runs_whole_to_the_page(
    checkpoint_folder, published_data, tmp_path
):
    """On the published files as they are: six of their worked answers show no steps."""
    out = tmp_path / "store"
    told = subprocess.run(
        [
            *(sys.executable, "-m", "steerstat", "reproduce", "--out", out),
            *("--model", checkpoint_folder / "codi", "--base", checkpoint_folder / "base"),
            *("--problems", published_data / "problem_pairs_gpt4_answers.json"),
            *("--split", published_data / "steering_dataset_gpt2.json"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert (out / "report.html").stat().st_size > 100_000
    fitted = read(
        out, "select name, fitted_on from directions where role = 'candidate'"
    ).to_pylist()
    without = {
        row["name"]: len(json.loads(row["fitted_on"]).get("without_stratum", [])) for row in fitted
    }
    assert without["mean_difference_matched"] > 0
    assert {name for name, count in without.items() if count} == {"mean_difference_matched"}
