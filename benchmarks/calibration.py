"""Measure size, power and coverage of every method, and write the table for the docs.

    python -m benchmarks.calibration [--out docs/calibration.md] [--quick]

Exits 1 when a mark is missed, after writing the table: a miss is published, not hidden.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from analysis.calibration import QUICK, SECTIONS, Effort, calibrate, marks_table, rate_tables

SEED = 20251021
# What takes hours is not begun last.
LONGEST_FIRST = sorted(SECTIONS, key=lambda name: name not in ("verdicts", "plans", "searches"))

INTRODUCTION = """# Calibration

Written by `python -m benchmarks.calibration` (seed {seed}, {n_rates} rates, {minutes:.1f} minutes;
`steerstat calibrate` prints the same for any seed and grid). Each rate is followed by its
Monte-Carlo standard error: {tables:,} draws of counts per setting, or {searches:,} data sets where
each is resampled ({resamples} sign flips), {experiments} whole experiments for verdicts. A mark
allows two standard errors; **bold** rates miss theirs.

How the data are made:

- *Gained and lost*: trinomial counts; `effect` is (gained − lost)/n in the population.
- *Controls*: k effects and a candidate from one distribution: normal; exponential (skewed);
  Beta(½, ½) (bounded); net counts of 86 problems with 10 % discordance and no effect (binary).
  Equal controls give no test and count as not rejecting.
- *Six alphas*: every run, baseline included, differs from one truth by independent flips, so that
  any two disagree on the stated share of problems.
- *Curves*: accuracy .6 + slope·a − .05·|a| at a = ±1, ±2, ±3; problems keep their luck along the
  curve but for the share that gives the stated noise.
- *Strata*: three of equal size with half, once and one and a half times the discordance.
- *Seeds and directions*: 60 problems × 8 seeds, the problems' own answers to steering with the
  stated spread; 60 problems × k directions × 2 seeds with normal effects (sd .2, .1 and .5); 61
  problems × 8 seeds of which 3 % are lost in all seeds, and seeds flip besides (churn); log odds
  with normal problems (sd 1.2), answers to steering (.6) and directions (.4) for the mixed model.
- *Bands*: baseline .6 right; each of six alphas loses and gains the stated shares by itself.
- *Accuracies*: every problem keeps its luck, redrawn in each run with the rate that makes two runs
  disagree as stated; at 2a(1 − a) they have nothing in common.
- *Losses that cannot be read*: six alphas without any effect, as above with a discordance of .2;
  nine tenths of the would-be losses at positive doses are cut off, 9 % of the problems.
- *Plans that stop*: contrasts that share their baseline, and half of what happens to a problem; 20
  looks; 20 % discordance, and `with effect` contrasts that gain `effect`. Each is walked to its
  end by the rule itself and corrected as tables do it; size is the share of plans that reject a
  contrast without an effect (1,000 plans, `steerstat calibrate plans`).
- *Verdicts*: whole experiments through the tables and rules of the report. 200 problems, .6 right
  where not said otherwise, with a margin of SD 1; at α a direction moves a problem's margin by
  a · (b + u) − a² · |h|: b of the direction (SD .08), u and h of direction and problem (SD .25 and
  .06), at a = ±1, ±2, ±3. "Gap" moves the candidate's b, in SDs of b; "norm" and "potency" multiply
  its a, and the store knows of the norm alone. "One more control" is the null. Errors fall on all
  steered outcomes alike; a plan that stops has a contrast per dose, looks twenty times and gives up
  where it can hardly get there, and controls are not run where it did. Rates are of experiments
  in which either claim gets the verdict, so that the three may add up to more than 1;
  "not supported" is false where there is a gap, and true elsewhere.

"(wrong)" marks methods that are shown for what they do, not offered.

## Marks

"""


def main() -> int:
    """Simulate, write or print the page; 1 where a mark is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    effort, start = (QUICK if arguments.quick else Effort()), time.perf_counter()

    def progress(name: str) -> None:
        """Say which part is done."""
        print(f"{time.perf_counter() - start:6.0f} s  {name}", file=sys.stderr, flush=True)

    with ProcessPoolExecutor() as pool:
        # Each section has a generator of its own.
        jobs = {
            name: pool.submit(calibrate, seed=SEED, effort=effort, sections=[name])
            for name in LONGEST_FIRST
        }
        for job in as_completed(jobs.values()):
            progress(next(name for name, of in jobs.items() if of is job))
    rows = [row for name in SECTIONS for row in jobs[name].result()]
    page = INTRODUCTION.format(
        seed=SEED,
        n_rates=len(rows),
        minutes=(time.perf_counter() - start) / 60,
        tables=effort.tables,
        searches=effort.searches,
        resamples=effort.resamples,
        experiments=effort.experiments,
    )
    page += marks_table(rows) + "\n\n" + rate_tables(rows) + "\n"
    if arguments.out is None:
        print(page, end="")
    else:
        arguments.out.write_text(page, encoding="utf-8")
    return int(any(row.verdict == "misses" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
