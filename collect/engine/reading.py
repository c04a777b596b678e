"""Read a model's states at the positions where it can be steered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from collect.engine.batches import Unit, batch_rows, windows
from collect.engine.engine import DEFAULT_MEMORY, Engine
from collect.engine.interventions import LATENT_SITES, Steering
from collect.engine.prefix import prefill
from collect.engine.protocol import Protocol
from collect.engine.rows import Hook, Rows, Which
from collect.models.model import Model
from sql.errors import UserError
from store.names import residual_layer


def activations(
    model: Model,
    questions: Sequence[str],
    *,
    sites: Sequence[str],
    protocol: str | Protocol | None = None,
    memory: int = DEFAULT_MEMORY,
) -> dict[str, npt.NDArray[np.float32]]:
    """States of the unsteered model, each [n, T, d] in float32.

    Position t is the pass that yields the t-th final hidden state, so that a direction fitted
    here is added at the very place it was read from. Without thoughts there is one position, the
    prompt's last token.

    Args:
        model: from `load_model`.
        questions: n texts.
        sites: `latent`, `latent_projected`, `residual:<layer>` (layers from 0).
        protocol: a protocol or its name; None is the model's own.
        memory: bytes that caches may take.

    Raises:
        UserError: a site does not exist in this model.
    """
    layers = [residual_layer(site) for site in sites]
    for site, layer in zip(sites, layers, strict=True):
        if layer is not None and layer >= model.n_layer:
            raise UserError(f"site {site}: layers go from 0 to {model.n_layer - 1}")
    engine = Engine(model, questions, None, [Steering(None)], protocol, None, memory, None)
    shape = (len(questions), engine.protocol.n_positions, model.d_model)
    by_site = {site: np.zeros(shape, dtype=np.float32) for site in sites}
    units = [Unit(problem, 0, 0) for problem in range(len(questions))]
    step = batch_rows(model, engine.net, engine.entries, memory)
    for window in windows(units, engine.prompts, engine.net, model, memory):
        with torch.inference_mode():
            prefixes = list(prefill(engine.net, engine.prompts, window.problems, model.device))
            places = [(i, j) for i, p in enumerate(prefixes) for j in range(len(p.questions))]
            for start in range(0, len(places), step):
                part = places[start : start + step]
                problems = [prefixes[i].questions[j] for i, j in part]
                rows = engine.rows(prefixes, part, drop_last=True)
                for t, states in enumerate(_read(engine, rows, sites)):
                    for site, values in states.items():
                        by_site[site][problems, t] = values.float().cpu().numpy()
    return by_site


def _read(engine: Engine, rows: Rows, sites: Sequence[str]) -> list[dict[str, Tensor]]:
    """States [B, d] of every site, position by position."""
    wanted = {residual_layer(site): site for site in sites if site not in LATENT_SITES}
    x, by_position = rows.net.embed(rows.anchor_tokens()), []
    for _ in range(engine.protocol.n_positions):
        states: dict[str, Tensor] = {}
        state = rows.net.final(rows.feed(x[:, None], _reader(wanted, states, len(rows)))[:, 0])
        x = rows.net.project(state)
        latent = {"latent": state, "latent_projected": x}
        states.update({site: latent[site] for site in sites if site in latent})
        by_position.append(states)
    return by_position


def _reader(wanted: dict[int | None, str], states: dict[str, Tensor], n_rows: int) -> Hook:
    def hook(layer: int, x: Tensor, rows: Which) -> Tensor:
        """Keep a wanted layer's output."""
        if layer in wanted:
            # A copy: the block's output is added to in place by the next one.
            state = states.setdefault(wanted[layer], x.new_empty((n_rows, x.shape[-1])))
            state[rows] = x[:, 0]
        return x

    return hook
