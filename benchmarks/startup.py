"""How long does `steerstat sql STORE "select 1"` take, process start to end?

    python benchmarks/startup.py [STORE]

Without a store a small one is made. The best of the runs is the figure: the rest is other load.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = "import sys, steerstat; sys.argv = ['steerstat', *sys.argv[1:]]; steerstat.main()"
HEAVY = ("torch", "transformers", "scipy", "statsmodels", "pandas", "pyarrow", "numpy", "altair")


def command() -> list[str]:
    """The installed `steerstat`, else the module of this checkout."""
    script = Path(sys.executable).with_name("steerstat")
    return [str(script)] if script.exists() else [sys.executable, "-c", PROGRAM]


def timed(store: Path) -> float:
    """Seconds of one whole process."""
    started = time.perf_counter()
    subprocess.run(
        [*command(), "sql", str(store), "select 1"],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[1],
    )
    return time.perf_counter() - started


def heavy_modules(store: Path) -> list[str]:
    """Which of HEAVY the command imports."""
    program = (
        f"import sys, steerstat\nsys.argv = ['steerstat', 'sql', {str(store)!r}, 'select 1']\n"
        "try:\n    steerstat.main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    return done.stderr.strip().strip("[]").split(", ") if done.stderr.strip() != "[]" else []


def main() -> None:
    """Time a query on a small store, and name what it imported that is heavy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path, nargs="?")
    parser.add_argument("--repeats", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = given.store or _made(Path(folder) / "store")
        seconds = [timed(store) for _ in range(given.repeats)]
        print(
            f"select 1: best {min(seconds):.3f} s, median {statistics.median(seconds):.3f} s "
            f"of {len(seconds)}; heavy modules: {', '.join(heavy_modules(store)) or 'none'}"
        )


def _made(path: Path) -> Path:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import numpy as np

    from tests.synthetic import synthetic_store

    return synthetic_store(path, rng=np.random.default_rng(0))


if __name__ == "__main__":
    main()
