"""One small reproduction on the bundled model, run once and copied by the tests that add to it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.collect.sweeps.small_scale import SMALL


@pytest.fixture(scope="session")
def bundled() -> Any:
    """The bundled model."""
    from collect.models.checkpoints import load_model

    torch.set_num_threads(1)
    return load_model("bundled", device="cpu")


@pytest.fixture(scope="session")
def small_run(bundled: Any) -> Any:
    """A function that runs the demo's design at a small scale into a folder."""
    from collect.sweeps import designs, reproduce
    from collect.sweeps.designs import Scale
    from collect.sweeps.progress import Steps

    def run(out: Path) -> Path:
        with Steps(quiet=True) as steps:
            design = designs.demo(bundled, seed=0, scale=Scale(**SMALL))
            return reproduce.run_design(out, design, seed=0, steps=steps)

    return run


@pytest.fixture(scope="session")
def small_store(small_run: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a small reproduction; tests read it and leave it as it is."""
    return small_run(tmp_path_factory.mktemp("reproduced") / "store")


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    """A copy of that store, to add to."""
    return Path(shutil.copytree(small_store, tmp_path / "store"))
