"""The latent loop: a batch of rows thinks its T thoughts, each steered as its row asks.

Position t is the forward pass that yields the t-th final hidden state `s_t`: of `<bot>` for t = 0
and of thought t - 1 for later ones. Residual sites act in that pass, `latent` on `s_t` itself and
`latent_projected` on the thought made of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from collect.engine.networks import Network
from collect.engine.protocol import Protocol
from collect.engine.rows import Hook, Norms, Rows, SteeringTable, Which


@dataclass
class Unsteered:
    """The baseline's thoughts for every question of a batch, for direct effects.

    Attributes:
        inputs: what is fed at position t, [n, d] each.
        states: the final state that it yields, [n, d] each.
        rows: the rows that were fed, one per question, whose cache is the baseline's.
    """

    rows: Rows
    inputs: list[Tensor] = field(default_factory=list)
    states: list[Tensor] = field(default_factory=list)


@dataclass
class Thoughts:
    """What thinking leaves behind.

    Attributes:
        pending: thoughts not yet fed, [B, f, d], to be fed together with the answer's start.
        state: the final state at the prompt's last token, [B, d], where there are no thoughts.
        norms: what is kept of every position.
    """

    pending: Tensor
    state: Tensor | None
    norms: Norms


def residual_hook(table: SteeringTable, t: int | Tensor, norms: Norms | None = None) -> Hook | None:
    """Steers the output of the blocks that the table names, at position `t`, in passes of one."""
    if all(layer is None for layer in table.layers):
        return None

    def hook(layer: int, x: Tensor, rows: Which) -> Tensor:
        """Steer a layer's output at position t."""
        for site, wanted in enumerate(table.layers):
            if wanted == layer:
                part, at = table.select(rows), t if isinstance(t, int) else t[rows]
                before = x[:, 0]
                after = part.apply(site, at, before)
                if norms is not None and site == 0 and isinstance(t, int):
                    norms.note(t, before, after, part.unit_at(site, t), rows)
                x = after[:, None]
        return x

    return hook


def _steer_latent(
    net: Network, table: SteeringTable, t: int, state: Tensor, norms: Norms
) -> tuple[Tensor, Tensor]:
    """The steered final state and the steered thought made of it."""
    state = _steer_at("latent", table, t, state, norms)
    thought = _steer_at("latent_projected", table, t, net.project(state), norms)
    return state, thought


def _steer_at(site_name: str, table: SteeringTable, t: int, x: Tensor, norms: Norms) -> Tensor:
    for site, name in enumerate(table.sites):
        if name == site_name:
            before, x = x, table.apply(site, t, x)
            if site == 0:
                norms.note(t, before, x, table.unit_at(site, t))
    return x


def think(rows: Rows, table: SteeringTable, protocol: Protocol) -> Thoughts:
    """Total effect: every thought is made of the steered ones before it."""
    norms = Norms(len(rows), protocol.n_positions, table.row.device)
    state: Tensor | None = None
    x = rows.net.embed(rows.anchor_tokens())
    if not rows.drop_last:
        state = rows.anchor_states()
    if not protocol.n_latent:
        if state is None:
            state = rows.net.final(rows.feed(x[:, None], residual_hook(table, 0, norms))[:, 0])
        else:
            norms.note(0, state, state, torch.zeros_like(state))
        return Thoughts(x.new_empty((len(rows), 0, x.shape[1])), state, norms)
    for t in range(protocol.n_latent):
        if state is None:
            state = rows.net.final(rows.feed(x[:, None], residual_hook(table, t, norms))[:, 0])
        state, x = _steer_latent(rows.net, table, t, state, norms)
        if t < protocol.n_fed:
            norms.note_fed(t, x)
        state = None
    pending = (
        x[:, None] if protocol.n_fed == protocol.n_latent else x.new_empty((len(x), 0, x.shape[1]))
    )
    return Thoughts(pending, None, norms)


def think_unsteered(rows: Rows, protocol: Protocol) -> Unsteered:
    """The baseline's inputs, states and cache, one row per question, `<bot>` fed again."""
    kept = Unsteered(rows)
    x = rows.net.embed(rows.anchor_tokens())
    for _ in range(protocol.n_latent or 0):
        kept.inputs.append(x)
        state = rows.net.final(rows.feed(x[:, None])[:, 0])
        kept.states.append(state)
        x = rows.net.project(state)
    return kept


def think_direct(
    rows: Rows,
    table: SteeringTable,
    protocol: Protocol,
    base: Unsteered,
    of_row: Tensor,
) -> Thoughts:
    """Direct effect: thought t is what steering at position t alone would give.

    Args:
        rows: fresh rows, `<bot>` not yet fed where a residual site is steered.
        table: their steerings.
        protocol: the protocol.
        base: the baseline of their questions.
        of_row: each row's row in `base`, [B].
    """
    norms = Norms(len(rows), protocol.n_positions, table.row.device)
    residual = any(layer is not None for layer in table.layers)
    thoughts = []
    for t in range(protocol.n_latent or 0):
        state = base.states[t][of_row]
        if residual:
            # The baseline's past, this position's own steering: one pass that is then thrown away.
            alone = base.rows.select(of_row, t, t + 1)
            hook = residual_hook(table, t, norms)
            state = rows.net.final(alone.feed(base.inputs[t][of_row][:, None], hook)[:, 0])
        _, thought = _steer_latent(rows.net, table, t, state, norms)
        if t < protocol.n_fed:
            norms.note_fed(t, thought)
            thoughts.append(thought)
    if residual:
        inputs = [rows.net.embed(rows.anchor_tokens()), *thoughts]
        for t in range(protocol.n_latent or 0):
            rows.feed(inputs[t][:, None], residual_hook(table, t))
        thoughts = inputs[protocol.n_latent or 0 :]
    like = base.states[0]
    empty = like.new_empty((len(rows), 0, like.shape[1]))
    return Thoughts(torch.stack(thoughts, 1) if thoughts else empty, None, norms)
