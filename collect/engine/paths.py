"""Which way a model takes: a fused network where its family has one, its own modules otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor

from collect.engine.affine import projection_function
from collect.engine.caches import Prefix, Prompts
from collect.engine.generic import GenericNetwork, GenericRows, ModulePrefix
from collect.engine.networks import (
    LENGTH_DEPENDENT,
    FusedNetwork,
    Network,
    fused_kind,
    why_not_fused,
)
from collect.engine.rows import FusedRows, Rows
from collect.models.model import Model
from collect.models.parts import text_config
from sql.errors import UserError


def network_of(model: Model) -> Network:
    """The network of a model.

    Raises:
        UserError: the model can be run in neither way (see `GenericNetwork`), or its rotary
            positions depend on how long a sequence will get.
    """
    _check_positions(model)
    net: Network
    if why_not_fused(model.lm) is None:
        net = fused_kind(model.lm)(model.lm)
    else:
        net = GenericNetwork(model.lm, model.name)
    net.project = projection_function(model.projection)
    return net


def _check_positions(model: Model) -> None:
    """Raises UserError where rotary positions depend on how long a sequence will get."""
    rope = (getattr(text_config(model.lm.config), "rope_parameters", None) or {}).get("rope_type")
    if rope in LENGTH_DEPENDENT:
        raise UserError(
            f"rotary positions of type {rope!r} depend on how long a sequence will get, so "
            "that questions could not share what they were fed; this model cannot be run"
        )


def path_of(model: Model) -> str:
    """The way that a model takes and, where it is the generic one, why; for people.

    Raises:
        UserError: as `network_of`.
    """
    _check_positions(model)
    reason = why_not_fused(model.lm)
    if reason is not None:
        network_of(model)
    return "fused" if reason is None else f"generic ({reason})"


def new_rows(
    net: Network,
    prefixes: Sequence[Prompts],
    source: Tensor,
    owner: Tensor,
    *,
    drop_last: bool,
    capacity: int,
) -> Rows:
    """Fresh rows.

    Args:
        net: the network that prefilled the prompts.
        prefixes: prompts, one entry per length.
        source: for each row, which of `prefixes`, non-decreasing, [B].
        owner: which question within it, non-decreasing within a source, [B].
        drop_last: read the prompts without their last token (it is fed again, steered).
        capacity: entries that a row's own cache begins with.
    """
    if isinstance(net, GenericNetwork):
        modules = cast(Sequence[ModulePrefix], prefixes)
        return GenericRows(net, modules, source, owner, drop_last)
    fused = cast(Sequence[Prefix], prefixes)
    return FusedRows(
        cast(FusedNetwork, net), fused, source, owner, drop_last=drop_last, capacity=capacity
    )
