"""Prefill: each question's prompt goes through the network once, whatever the conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from collect.engine.caches import Prefix, Prompts
from collect.engine.generic import GenericNetwork, joined_modules, prefill_modules
from collect.engine.networks import FusedNetwork, Network
from collect.engine.protocol import Protocol, prompt_tokens
from collect.models.model import Model
from sql.errors import UserError

PREFILL_TOKENS = 4096


def tokenize(
    model: Model, net: Network, protocol: Protocol, questions: Sequence[str], room: int
) -> tuple[list[list[int]], dict[int, str]]:
    """Prompt ids of every question, and what is wrong with those that cannot be asked.

    A question cannot be asked that is empty or leaves no room for thoughts and answer.
    """
    prompts, faults = list[list[int]](), dict[int, str]()
    for index, question in enumerate(questions):
        try:
            prompt = prompt_tokens(model, protocol, question)
        except UserError as error:
            prompt, faults[index] = [], str(error)
        if len(prompt) + room > net.max_positions:
            faults[index] = (
                f"question {index} has {len(prompt)} tokens and needs {room} more; {model.name} "
                f"reads {net.max_positions}: shorten it or lower max_new_tokens"
            )
        prompts.append(prompt)
    return prompts, faults


def prefill(
    net: Network,
    prompts: Sequence[Sequence[int]],
    questions: Sequence[int],
    device: torch.device,
    watch: Callable[[int, Tensor, list[int]], None] | None = None,
) -> Iterator[Prompts]:
    """Caches and last states of questions, by length, in prompts of equal length only.

    Args:
        net: the network.
        prompts: ids by question.
        questions: which of them.
        device: where.
        watch: called as (layer, block outputs [n, P, d], questions), to read activations.
    """
    by_length: dict[int, list[int]] = defaultdict(list)
    for question in questions:
        by_length[len(prompts[question])].append(question)
    for length in sorted(by_length):
        group, step = by_length[length], max(1, PREFILL_TOKENS // length)
        chunks = [group[i : i + step] for i in range(0, len(group), step)]
        tokens = [torch.tensor([list(prompts[q]) for q in part], device=device) for part in chunks]
        if isinstance(net, GenericNetwork):
            modules = [
                prefill_modules(net, ids, part, watch)
                for ids, part in zip(tokens, chunks, strict=True)
            ]
            yield joined_modules(modules)
        else:
            fused = cast(FusedNetwork, net)
            parts = [
                _prefill_equal(fused, ids, part, watch)
                for ids, part in zip(tokens, chunks, strict=True)
            ]
            yield parts[0] if len(parts) == 1 else _joined(parts)


def _prefill_equal(
    net: FusedNetwork,
    tokens: Tensor,
    group: list[int],
    watch: Callable[[int, Tensor, list[int]], None] | None,
) -> Prefix:
    device = tokens.device
    n, length = tokens.shape
    positions = torch.arange(length, device=device).repeat(n)
    x = net.place(net.embed(tokens).reshape(n * length, -1), positions)
    keys = x.new_empty((net.n_layer, n, net.n_kv, length, net.d_head))
    values = torch.empty_like(keys)
    group_size = net.n_head // net.n_kv
    for layer in range(net.n_layer):
        q, k, v = (
            part.view(n, length, -1, net.d_head).transpose(1, 2)
            for part in net.qkv(layer, x, positions)
        )
        keys[layer], values[layer] = k, v
        if group_size > 1:
            k, v = (part.repeat_interleave(group_size, dim=1) for part in (k, v))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=net.scales[layer])
        x = net.finish(layer, x, out.transpose(1, 2).reshape(n * length, -1))
        if watch is not None:
            watch(layer, x.view(n, length, -1), group)
    states = net.final(x.view(n, length, -1)[:, -1])
    return Prefix(list(group), states, tokens, keys, values)


def _joined(parts: list[Prefix]) -> Prefix:
    return Prefix(
        [question for part in parts for question in part.questions],
        torch.cat([part.states for part in parts]),
        torch.cat([part.tokens for part in parts]),
        torch.cat([part.keys for part in parts], 1),
        torch.cat([part.values for part in parts], 1),
    )
