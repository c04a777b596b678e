"""Readers of the formats in which other programs write outcomes, one function each.

A new one is a module with a `FORMAT`, and its line in `FORMATS`; the first that fits reads.
"""

from __future__ import annotations

from store.exchange.formats import (
    aisteer,
    axbench,
    easysteer,
    every_eval_ever,
    inspect_ai,
    latent_cot,
    lm_eval,
    plain,
    steering_bench,
)
from store.exchange.source import Format, Source

FORMATS: tuple[Format, ...] = (
    every_eval_ever.FORMAT,
    inspect_ai.FORMAT,
    inspect_ai.TABLE,
    lm_eval.FORMAT,
    aisteer.FORMAT,
    axbench.FORMAT,
    axbench.MEANS,
    latent_cot.FORMAT,
    steering_bench.FORMAT,
    easysteer.FORMAT,
    plain.SAKLAS,
    plain.TABLE,
    plain.TIDY,
)


def recognised(source: Source) -> Format | None:
    """The format of a file, by its content; None for a JSON file of none of them.

    Raises:
        UserError: The file cannot be read.
    """
    return next((one for one in FORMATS if one.fits(source)), None)
