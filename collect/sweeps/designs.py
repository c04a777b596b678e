"""What a reproduction runs, as data: the demo's design, a plain model's, and the report's own.

A design names branches. A branch is one protocol with the problems that its directions are fitted
on, the fits, their controls and the test sets; all branches are run by the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collect.engine.protocol import default_protocol, resolve_protocol
from collect.models.model import Model
from collect.problems.expressions import expressions
from collect.problems.problem_sets import add_set, draw_balanced, draw_random, members
from collect.problems.problems import Row, generated
from collect.problems.report_split import PublishedData, add_report_split
from collect.sweeps.sweep import GREEDY, Setting

ALPHAS = tuple(a / 2 for a in range(-6, 7))
# Answers of the bundled model are at most a colon, two digits and end-of-text.
BUNDLED_NEW_TOKENS = 6
PUBLISHED_NEW_TOKENS = 32  # "The answer is: 1,234"
CHAT_NEW_TOKENS = 32  # the number, or a sentence or two around it


@dataclass(frozen=True)
class Scale:
    """How large a reproduction is; the defaults are those of the demo.

    Attributes:
        pool: problems drawn, from which all sets are taken.
        mix: weights of 1, 2, 3 and 4-step problems in the pool.
        primary: size of the random test set.
        train: right and as many wrong problems that directions are fitted on.
        balanced: right and as many wrong problems of the test set drawn by outcome.
        controls: random directions for each candidate.
        report_controls: random directions of the report's own variant.
        alphas: doses of the candidates; the controls run at the two extremes.
    """

    pool: int = 2400
    mix: tuple[int, ...] = (1, 1, 2, 2)
    primary: int = 400
    train: int = 172
    balanced: int = 200
    controls: int = 99
    report_controls: int = 5
    alphas: tuple[float, ...] = field(default=ALPHAS)


# Small enough for a model of 135M parameters to be done within 15 minutes on two cores.
PLAIN_SCALE = Scale(
    pool=360,
    mix=(2, 3),
    primary=100,
    train=40,
    controls=19,
    # Three times its length leaves a small chat model's answers nearly as they were.
    alphas=(-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0),
)
PUBLISHED_SCALE = Scale(primary=200)


@dataclass(frozen=True)
class Fit:
    """One candidate direction of a branch: how it is fitted, and where it is read."""

    fit: str
    fitted_at: str
    strata: str | None = None


@dataclass(frozen=True)
class Branch:
    """One protocol and all that is run under it.

    Attributes:
        title: of its sweep, for the progress bar.
        setting: model, protocol and decoding.
        train: the set that directions are fitted on.
        tests: the sets that are swept.
        site: where directions are added.
        read_at: sites whose activations are stored.
        fits: candidates by name; each is given controls of its own.
        control: kind of the controls.
        controls: how many a candidate.
    """

    title: str
    setting: Setting
    train: str
    tests: tuple[str, ...]
    site: str
    read_at: tuple[str, ...]
    fits: Mapping[str, Fit]
    control: str
    controls: int


@dataclass(frozen=True)
class Design:
    """A whole reproduction.

    Attributes:
        branches: in the order in which they run.
        problems: rows of every problem that is asked.
        alphas: doses of the candidates.
        draw: makes the sets that the store does not have yet, after the baselines are in; it is
            given their condition ids by protocol.
        given: makes those that need no outcome, before anything is run.
        gated: how many of the problems the gates are run on.
    """

    branches: Sequence[Branch]
    problems: Sequence[Row]
    alphas: tuple[float, ...]
    draw: Callable[[Path, Mapping[str, str]], None] = lambda root, baselines: None
    given: Callable[[Path], None] = lambda root: None
    gated: int = 16


def _setting(model: Model, protocol: str, max_new_tokens: int) -> Setting:
    return Setting(model, resolve_protocol(protocol, model, max_new_tokens=max_new_tokens), GREEDY)


def _middle(model: Model) -> str:
    """The report's layer: the middle block's output, which is hidden_states[n_layer / 2]."""
    return f"residual:{max(0, model.n_layer // 2 - 1)}"


def _two_branches(
    model: Model, scale: Scale, max_new_tokens: int, **sets: tuple[str, tuple[str, ...]]
) -> tuple[Branch, Branch]:
    """The corrected protocol and the report's own, with (training set, test sets) of each."""
    layers = tuple(f"residual:{layer}" for layer in range(model.n_layer))
    corrected = Branch(
        title="corrected",
        setting=_setting(model, default_protocol(model), max_new_tokens),
        train=sets["corrected"][0],
        tests=sets["corrected"][1],
        site="latent",
        read_at=(*layers, "latent"),
        fits={
            "mean_difference": Fit("mean_difference", "latent"),
            "mean_difference_matched": Fit("mean_difference_matched", "latent", "n_steps"),
        },
        control="random_per_position",
        controls=scale.controls,
    )
    report = Branch(
        title="the report's own",
        setting=_setting(model, "report", max_new_tokens),
        train=sets["report"][0],
        tests=sets["report"][1],
        site="latent",
        read_at=(_middle(model),),
        # As the report did: fitted on a middle layer, added to the final hidden state.
        fits={"report_mean_difference": Fit("mean_difference", _middle(model))},
        control="random_total_norm",
        controls=scale.report_controls,
    )
    return corrected, report


def demo(model: Model, *, seed: int, scale: Scale | None = None) -> Design:
    """The report's protocol and its corrected twin on generated problems.

    The sets are disjoint tests: the primary one at random, the other balanced on the model's
    outcomes. The report variant's sets are balanced under its own protocol; labels from another
    protocol are what gave the report a baseline of 33 % on a set that it had balanced at 50 %.
    Its training set may share problems with the other training set, never with a test set.
    """
    scale = scale or Scale()
    own = default_protocol(model)

    def draw(root: Path, baselines: Mapping[str, str]) -> None:
        """Draw the sets that are not there yet."""
        if not members(root, "primary"):
            draw_random(root, "primary", scale.primary, seed=seed)
        for name, count, split, protocol, without in (
            ("train", scale.train, "train", own, ("primary",)),
            ("balanced", scale.balanced, "test", "report", ("primary", "train")),
            ("report_train", scale.train, "train", "report", ("primary", "balanced")),
        ):
            if not members(root, name):
                draw_balanced(
                    root,
                    name,
                    count,
                    split=split,
                    without=without,
                    seed=seed,
                    baseline=baselines[protocol],
                )

    branches = _two_branches(
        model,
        scale,
        BUNDLED_NEW_TOKENS,
        corrected=("train", ("primary",)),
        report=("report_train", ("balanced",)),
    )
    problems = generated(scale.pool, mix=scale.mix, seed=seed).rows
    return Design(branches, problems, scale.alphas, draw=draw)


def plain(model: Model, *, seed: int, scale: Scale = PLAIN_SCALE) -> Design:
    """Ordinary steering: a model without thoughts, sums in its chat format, a middle layer."""
    site = _middle(model)
    setting = _setting(model, "chat", CHAT_NEW_TOKENS)

    def draw(root: Path, baselines: Mapping[str, str]) -> None:
        """Draw the sets that are not there yet."""
        if not members(root, "primary"):
            draw_random(root, "primary", scale.primary, seed=seed)
        if not members(root, "train"):
            draw_balanced(
                root,
                "train",
                scale.train,
                without=("primary",),
                seed=seed,
                baseline=baselines[setting.protocol.name],
            )

    branch = Branch(
        title="chat",
        setting=setting,
        train="train",
        tests=("primary",),
        site=site,
        read_at=(site,),
        fits={
            "mean_difference": Fit("mean_difference", site),
            "mean_difference_matched": Fit("mean_difference_matched", site, "n_steps"),
        },
        control="random_per_position",
        controls=scale.controls,
    )
    problems = expressions(scale.pool, mix=scale.mix, seed=seed).rows
    return Design([branch], problems, scale.alphas, draw=draw, gated=6)


def published(
    model: Model, data: PublishedData, *, seed: int, scale: Scale = PUBLISHED_SCALE
) -> Design:
    """The report's problems and split: its own protocol, and the corrected twin.

    The twin is fitted on the published training problems that are in neither test set, and is
    tested on the published test set and on a random one, which was not chosen by outcome.
    """

    def given(root: Path) -> None:
        """Add the report's split, and the sets made of it."""
        if not members(root, "report_train"):
            add_report_split(root, data)
        if not members(root, "primary"):
            draw_random(root, "primary", scale.primary, seed=seed)
        if members(root, "train"):
            return
        kept = members(root, "report_train")
        for name in ("report_test", "primary"):
            for problem in members(root, name):
                kept.pop(problem, None)
        add_set(
            root,
            "train",
            sorted(kept),
            split="train",
            selection="balanced_on_baseline",
            labels={problem: bool(row["label"]) for problem, row in kept.items()},
        )

    branches = _two_branches(
        model,
        scale,
        PUBLISHED_NEW_TOKENS,
        corrected=("train", ("primary", "report_test")),
        report=("report_train", ("report_test",)),
    )
    return Design(branches, data.problems, scale.alphas, given=given)
