"""The sections of the calibration, and the run through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from analysis.calibration.accuracies import accuracies_section
from analysis.calibration.bands import bands_section
from analysis.calibration.clusters import clusters_section, looks_section
from analysis.calibration.directions import controls_section
from analysis.calibration.means import means_section, sequences_section
from analysis.calibration.missing import missing_section
from analysis.calibration.pairs import pairs_section
from analysis.calibration.plans import plans_section
from analysis.calibration.rows import Effort, Row, Section
from analysis.calibration.searches import curves_section, searches_section, strata_section
from analysis.calibration.traps import traps_section
from analysis.calibration.verdicts import verdicts_section
from analysis.vocabulary import CalibrationSection, all_checked

SECTIONS: dict[CalibrationSection, Section] = {
    "pairs": pairs_section,
    "controls": controls_section,
    "searches": searches_section,
    "curves": curves_section,
    "strata": strata_section,
    "clusters": clusters_section,
    "looks": looks_section,
    "means": means_section,
    "sequences": sequences_section,
    "bands": bands_section,
    "accuracies": accuracies_section,
    "traps": traps_section,
    "missing": missing_section,
    "plans": plans_section,
    "verdicts": verdicts_section,
}


def calibrate(
    *,
    seed: int,
    effort: Effort | None = None,
    sections: Sequence[CalibrationSection] | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Row]:
    """Simulate data without and with known effects, and count what each method says.

    Args:
        seed: Each section has a generator of its own: leaving one out does not change the others.
        effort: How many data sets over how much of the grid; `QUICK` takes seconds.
        sections: Some of `SECTIONS`; default all.
        progress: Told each section's name as it begins.

    Raises:
        Refusal: No section or an unknown one.
    """
    chosen = list(SECTIONS) if sections is None else sections
    all_checked(chosen, CalibrationSection, "section")
    rows: list[Row] = []
    for index, (name, section) in enumerate(SECTIONS.items()):
        if name in chosen:
            if progress is not None:
                progress(name)
            rows.extend(section(effort or Effort(), np.random.default_rng([seed, index])))
    return rows
