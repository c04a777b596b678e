"""What `steerstat extract` is asked for, checked at the door, and done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.vocabulary import ProtocolName, checked
from collect.directions.extraction import extract, sites_of
from collect.engine.protocol import default_protocol
from collect.models.choice import ModelChoice, choose_model
from collect.problems.problem_sets import set_problems
from store.ingestion import ingest
from store.layout import open_store
from store.names import checked_sites


@dataclass(frozen=True, kw_only=True)
class Request:
    """An extraction that can be met, as far as that is known without the model.

    Attributes:
        root: the store.
        problems: (problem_id, question) of the set.
        sites: sites with commas, or `all`.
        protocol: name of the protocol; None is the model's own.
        model: the model, not loaded yet.
    """

    root: Path
    problems: tuple[tuple[str, str], ...]
    sites: str
    protocol: str | None
    model: ModelChoice


def make_request(
    store: Path,
    *,
    set_name: str,
    sites: str,
    protocol: str | None = None,
    model: str | None = None,
    base: str | None = None,
    lora_alpha: float | None = None,
    device: str | None = None,
    dtype: str | None = None,
) -> Request:
    """The request that options make; those of the model are as `choose_model` takes them.

    Raises:
        UserError: an option is not usable, or the store has no such set.
    """
    if sites != "all":
        checked_sites(sites)
    if protocol is not None:
        checked(protocol, ProtocolName, "protocol")
    choice = choose_model(model, base=base, lora_alpha=lora_alpha, device=device, dtype=dtype)
    root = open_store(store)
    problems = tuple((row["problem_id"], row["question"]) for row in set_problems(root, set_name))
    return Request(root=root, problems=problems, sites=sites, protocol=protocol, model=choice)


def run_request(request: Request) -> str:
    """Store what is missing; return a line for a person.

    Raises:
        UserError: the model is damaged, or has no such site or protocol.
    """
    model = request.model.load()
    added = extract(
        request.root,
        model,
        request.problems,
        sites=sites_of(request.sites, model),
        protocol=request.protocol or default_protocol(model),
    )
    ingest(request.root)
    return f"{added:,} rows of activations added ({model.name}, {len(request.problems)} problems)"
