"""`steerstat plan`: check a plan before collecting, freeze it, and see what was frozen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from store.cli.options import AsJson, Store

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Check and freeze a plan before collecting.",
)


@app.callback()
def _plan() -> None:
    """Check and freeze a plan before collecting."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The plan (TOML).", show_default=False)],
    store: Annotated[
        Path | None,
        typer.Option(
            help="Store that is planned for: its outcomes give the discordance, and the audit's "
            "checks that need none are run on it; by default the plan gives it."
        ),
    ] = None,
    json_: AsJson = False,
) -> None:
    """Power, smallest detectable effect, and the problems and controls that FILE needs.

    With --store, what the audit finds before an outcome is there: problems of the test set that are
    in a training set, duplicates, directions fitted elsewhere, too few controls.

    Exit code 0: every contrast reaches the power asked, and no finding decides. 1: not so. 2: the
    file is wrong.

    Example: steerstat plan check plan.toml
    """
    from analysis.plans.power import as_text, check_plan
    from analysis.plans.schema import load_plan

    plan = load_plan(file)
    discordance, findings = None, []
    if store is not None:
        from analysis.audit.auditing import audit_before
        from analysis.plans.pilot import measured_discordance

        discordance = measured_discordance(store, plan)
        findings = audit_before(store)
    report = check_plan(plan, discordance=discordance)
    if json_:
        from analysis.audit import show

        told = report.as_dict() | {"audit": show.as_rows(findings)}
        typer.echo(json.dumps(told, indent=2, allow_nan=False))
    else:
        typer.echo(as_text(plan, report))
    found = [one for one in findings if one.status == "found"]
    if found and not json_:
        from analysis.audit.show import as_text as findings_as_text

        typer.echo(f"\nbefore any outcome:\n\n{findings_as_text(found)}")
    enough = report.enough and not any(one.decides for one in found)
    raise typer.Exit(0 if enough else 1)


@app.command()
def freeze(
    store: Store,
    file: Annotated[Path, typer.Argument(help="The plan (TOML).")] = Path("plan.toml"),
) -> None:
    """Store FILE's text, hash and time in STORE, ahead of its first outcomes.

    Example: steerstat plan freeze runs/demo plan.toml
    """
    from analysis.plans.freezing import CONFIRMATORY, freeze, stamps

    frozen = freeze(store, file)
    typer.echo(
        f"{frozen.plan_id}  sha256 {frozen.sha256}  {frozen.frozen_at:%Y-%m-%d %H:%M:%S} UTC"
    )
    stamp = stamps(store)
    for contrast in frozen.plan.contrast:
        stamped = stamp(
            {
                "direction": contrast.direction,
                "set_name": contrast.set or frozen.plan.set,
                "protocol": contrast.protocol or None,
                "against": "controls" if contrast.against == "controls" else "baseline",
            }
        )
        why = "" if stamped == CONFIRMATORY else " (outcomes of its direction are older)"
        typer.echo(f"  {contrast.name}: will be {stamped}{why}")


@app.command()
def show(
    store: Store,
    json_: AsJson = False,
) -> None:
    """The plans of STORE, oldest first, and when they were frozen.

    Example: steerstat plan show runs/demo
    """
    from analysis.plans.freezing import stamps

    stamped = stamps(store)
    if json_:
        rows = [
            {
                "plan_id": p.plan_id,
                "sha256": p.sha256,
                "frozen_at": p.frozen_at.isoformat(),
                "superseded": p.superseded,
                "title": p.plan.title,
            }
            for p in stamped.plans
        ]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for line in stamped.notes():
        typer.echo(line)
