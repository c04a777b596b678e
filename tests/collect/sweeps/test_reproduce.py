"""The reproduction: the same results every time, also after a kill, and clear refusals."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import steerstat
from collect.problems.problem_sets import members
from store import append, committed, create_store, rows_digest
from store.layout import names_in
from tests.collect.sweeps.small_scale import SMALL
from tests.paths import ROOT
from tests.reading import read


def contents(folder):
    """Every file below a folder with its bytes."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(capsys, monkeypatch, *arguments):
    """The one line that the front door ends with."""
    monkeypatch.setattr(sys, "argv", ["steerstat", "reproduce", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        steerstat.main()
    assert caught.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    lines = [line for line in told.err.splitlines() if line.startswith("steerstat: ")]
    assert told.err.splitlines()[-1:] == lines
    return lines[0]


def test_everything_asked_is_committed(small_store):
    runs = read(small_store, "select status, gates from runs").to_pylist()
    assert [run["status"] for run in runs] == ["complete"]
    assert '"fragile_below"' in runs[0]["gates"]
    rows = read(
        small_store,
        "select set_name, direction, role, alpha, n from accuracy_by_alpha where site is not null",
    ).to_pylist()
    found = {(r["set_name"], r["role"], r["direction"], r["alpha"]): r["n"] for r in rows}
    for name in ("mean_difference", "mean_difference_matched"):
        assert found["primary", "candidate", name, 3.0] == SMALL["primary"]
    assert found["balanced", "candidate", "report_mean_difference", -3.0] == 2 * SMALL["balanced"]
    controls = {key[2] for key in found if key[1] == "control" and key[0] == "primary"}
    assert controls == {
        f"random_{name}_{i:03d}"
        for name in ("mean_difference", "mean_difference_matched")
        for i in range(SMALL["controls"])
    }


def test_alpha_zero_is_the_one_baseline_of_a_protocol(small_store):
    conditions = committed(small_store, "conditions").to_pylist()
    baselines = [row for row in conditions if row["direction_id"] is None]
    assert sorted(row["protocol"] for row in baselines) == ["codi", "report"]
    assert not [row for row in conditions if row["direction_id"] and row["alpha"] == 0]


def test_test_sets_share_nothing_with_training_sets(small_store):
    sets = {
        name: set(members(small_store, name))
        for name in ("primary", "train", "balanced", "report_train")
    }
    assert {name: len(ids) for name, ids in sets.items()} == {
        "primary": 40, "train": 40, "balanced": 40, "report_train": 40,
    }  # fmt: skip
    assert not sets["primary"] & (sets["train"] | sets["report_train"] | sets["balanced"])
    assert not sets["balanced"] & (sets["train"] | sets["report_train"])


def test_the_last_position_is_dead_under_the_reports_protocol_alone(small_store):
    import json

    gates = json.loads(committed(small_store, "runs").to_pylist()[-1]["gates"])
    assert gates["codi"]["live"]["dead"] == []
    assert gates["report"]["live"]["dead"] == ["latent[5]"]


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_results(small_store, small_run, tmp_path):
    """Killed in the middle of a sweep; also shows that two folders get the same results."""
    out, script = tmp_path / "store", tmp_path / "run.py"
    script.write_text(
        "import sys, torch\n"
        "from pathlib import Path\n"
        "torch.set_num_threads(1)\n"
        "from collect.sweeps import sweep\n"
        "from collect.models.checkpoints import load_model\n"
        "from collect.sweeps.designs import Scale, demo\n"
        "from collect.sweeps.progress import Steps\n"
        "from collect.sweeps.reproduce import run_design\n"
        "sweep.SECONDS_PER_SHARD = 0\n"
        f"design = demo(load_model('bundled'), seed=0, scale=Scale(**{SMALL!r}))\n"
        "run_design(Path(sys.argv[1]), design, seed=0, steps=Steps(quiet=True))\n"
    )
    child = subprocess.Popen(
        [sys.executable, script, out], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    steered = out / "shards" / "direction_vectors"
    outcomes = out / "shards" / "outcomes"
    deadline = time.monotonic() + 120
    before = 0
    while child.poll() is None and time.monotonic() < deadline:
        if steered.is_dir() and not before:
            before = len(names_in(outcomes))
        if before and len(names_in(outcomes)) > before:
            break
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    left = committed(out, "outcomes").num_rows
    whole = committed(small_store, "outcomes").num_rows
    assert 2 * SMALL["pool"] <= left < whole
    small_run(out)
    assert committed(out, "outcomes").num_rows == whole
    assert rows_digest(out) == rows_digest(small_store)
    statuses = read(out, "select status from runs order by created_at")["status"].to_pylist()
    assert statuses == ["running", "complete"]


def test_another_models_store_is_refused(capsys, monkeypatch, tmp_path):
    out = create_store(tmp_path / "store")
    row = {"model_id": "0" * 32, "name": "theirs", "family": "codi", "n_layer": 1, "d_model": 2}
    hashes = {"weights_sha256": "0" * 64, "tokenizer_sha256": "0" * 64, "n_latent": 6}
    append(out, "models", [row | hashes])
    before = contents(out)
    assert "another model (theirs)" in refusal(capsys, monkeypatch, "--out", out)
    assert contents(out) == before


def test_another_seeds_store_is_refused(capsys, monkeypatch, store):
    before = contents(store)
    line = refusal(capsys, monkeypatch, "--out", store, "--seed", 1)
    assert "holds other problems (generated, seed 0)" in line
    assert contents(store) == before


def test_folders_that_cannot_be_a_store_are_refused(capsys, monkeypatch, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("text")
    (tmp_path / "file").write_text("text")
    before = contents(tmp_path)
    for out, message in (
        (tmp_path / "thesis", "holds other files and is no store"),
        (tmp_path / "file", "is a file, not a folder"),
        (tmp_path / "file" / "store", "cannot write"),
        (Path("/proc/store"), "cannot write"),
    ):
        assert message in refusal(capsys, monkeypatch, "--out", out)
    assert contents(tmp_path) == before


def test_damaged_and_missing_model_files_are_refused(capsys, monkeypatch, tmp_path):
    from collect.models.sources import find_model

    folder = tmp_path / "model"
    shutil.copytree(find_model("bundled").folder, folder)
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    out = tmp_path / "store"
    weights.write_bytes(whole[: len(whole) // 2])
    assert "model.safetensors" in refusal(capsys, monkeypatch, "--out", out, "--model", folder)
    weights.unlink()
    assert "model" in refusal(capsys, monkeypatch, "--out", out, "--model", folder)
    weights.write_bytes(whole)
    (folder / "tokenizer.json").write_text("{")
    assert "tokenizer" in refusal(capsys, monkeypatch, "--out", out, "--model", folder)
    (folder / "config.json").unlink()
    assert "config.json" in refusal(capsys, monkeypatch, "--out", out, "--model", folder)
    assert not out.exists()


def test_problems_and_split_come_together(capsys, monkeypatch, tmp_path):
    out = tmp_path / "store"
    for option, other in (("--problems", "--split"), ("--split", "--problems")):
        line = refusal(capsys, monkeypatch, "--out", out, option, tmp_path / "x.json")
        assert f"{option} needs {other}" in line
    assert not out.exists()


def test_the_audit_finds_what_is_wrong_with_the_reports_branch_alone(small_store):
    from analysis.audit import CHECKS, audit

    wrong = (
        "direction/site",
        "direction/dead",
        "controls/norm",
        "controls/too_few",
        "inference/selected_set",
    )
    found = audit(small_store, checks=[CHECKS[name] for name in wrong])
    assert {one.check_id: one.status for one in found} == dict.fromkeys(wrong, "found")
    assert {row["set_name"] for one in found for row in one.verdicts} <= {"balanced"}
    said = {one.check_id: str(one.consequence) for one in found}
    assert "report_mean_difference was fitted at residual:" in said["direction/site"]
    assert "latent[5]" in said["direction/dead"]
