"""The registries of collect know the words of `analysis.vocabulary`, and no others."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any, get_args

import pytest

from analysis import vocabulary
from collect.directions.control_vectors import CONTROLS
from collect.directions.fits import FITS
from collect.engine.networks import _NETWORKS
from collect.engine.protocol import PROTOCOLS, Protocol, ProtocolChanges
from collect.models.checkpoints import DTYPES
from collect.parsers import PARSERS
from collect.sweeps.request import Given, Options
from store.exchange.report_files import SIDES


@pytest.mark.parametrize(
    ("registry", "words"),
    [
        (FITS, vocabulary.Fit),
        ((*CONTROLS, "shuffled_labels"), vocabulary.ControlKind),
        (_NETWORKS, vocabulary.Architecture),
        (DTYPES, vocabulary.Dtype),
        (PARSERS, vocabulary.AnswerParser),
        (PROTOCOLS, vocabulary.ProtocolName),
        ((*SIDES, "both"), vocabulary.PairSides),
    ],
)
def test_a_registry_has_the_words_of_its_kind(registry: Collection[str], words: Any) -> None:
    assert tuple(registry) == get_args(words)


def test_changes_of_a_protocol_are_its_fields_but_the_name() -> None:
    fields = {field.name for field in dataclasses.fields(Protocol)}
    assert set(ProtocolChanges.__annotations__) == fields - {"name"}


def test_what_a_command_gives_are_the_options_of_a_sweep() -> None:
    assert list(Given.__annotations__) == [field.name for field in dataclasses.fields(Options)]
