"""Write `docs/api.md` from the public names and `docs/commands.md` from the command line.

    python docs/make_api.py            # or `make api`

Both pages are made of docstrings and help texts alone; a test compares them with what this would
write, so that neither can fall behind the code.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PACKAGES = {
    "store": "The results store",
    "analysis": "Statistics",
    "analysis.tables": "Tables of a store",
    "analysis.charts": "Charts of the tables",
    "analysis.words": "How results read",
    "analysis.claims": "Claims",
    "analysis.plans": "Plans",
    "analysis.calibration": "Calibration",
    "analysis.figures": "Figures",
    "analysis.recorded": "Results kept as rows",
    "analysis.report": "The report",
    "analysis.serve": "The live page",
    "collect": "Models and steering",
}
# Typer gives these to a command that is run alone; they say nothing of it.
_NOT_OURS = {"install_completion", "show_completion", "help"}


def api_page() -> str:
    """The page of every public name: how it is called and what its docstring says."""
    blocks = [
        "# API",
        "Every public name, from its docstring; written by `make api`. The names of `store`, "
        "`analysis` and `collect` are names of `steerstat` too, and so are the modules `tables` "
        "and `charts`.",
    ]
    for package, title in PACKAGES.items():
        module = importlib.import_module(package)
        blocks.append(f"## {title}: `{package}`")
        for name in sorted(module.__all__, key=str.lower):
            blocks += _entry(package, name, getattr(module, name))
    return "\n\n".join(blocks) + "\n"


def _entry(package: str, name: str, found: Any) -> Iterator[str]:
    """Heading, call and docstring of one name."""
    yield f"### `{package}.{name}`"
    if not callable(found):
        # A constant has no docstring; of a long one the names are what is used.
        yield _indented(f"{name}: {', '.join(found) if isinstance(found, dict) else repr(found)}")
        return
    yield _indented(f"{name}{_signature(found)}")
    summary, _, rest = (inspect.getdoc(found) or "").partition("\n\n")
    yield " ".join(summary.split())
    if rest:
        yield f"```text\n{rest.strip()}\n```"


def _signature(found: Any) -> str:
    """The call, one parameter a line where it is long; nothing of what is not called."""
    if inspect.isclass(found) and issubclass(found, Exception):
        return ""
    if fields := getattr(found, "model_fields", None):  # read from a file, and checked there
        return f": {', '.join(fields)}"
    signature = inspect.signature(found)
    parts, keyword_only = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            parts.append("*")
        keyword_only |= parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        parts.append(_parameter(parameter))
    result = signature.return_annotation
    to = "" if inspect.isclass(found) or result is signature.empty else f" -> {_type(result)}"
    short = f"({', '.join(parts)}){to}"
    if len(short) <= 80:
        return short
    return "(\n" + "".join(f"    {part},\n" for part in parts) + f"){to}"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = "*" * (2 if parameter.kind is parameter.VAR_KEYWORD else 1)
    variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    text = f"{stars}{parameter.name}" if variadic else parameter.name
    if parameter.annotation is not parameter.empty:
        text += f": {_type(parameter.annotation)}"
    return text if parameter.default is parameter.empty else f"{text} = {parameter.default!r}"


def _type(annotation: Any) -> str:
    """An annotation as it is written in the source."""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def leaves() -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its full name, with its click command."""
    import typer

    import steerstat

    for name, (module, _) in steerstat.COMMANDS.items():
        command = typer.main.get_command(importlib.import_module(module).app)
        inner = getattr(command, "commands", None)
        if inner:
            yield from ((f"{name} {each}", found) for each, found in inner.items())
        else:
            yield name, command


def parameters(command: Any) -> list[Any]:
    """Arguments and options of a command, those that Typer adds left out."""
    return [each for each in command.params if each.name not in _NOT_OURS and not each.hidden]


def commands_page() -> str:
    """The page of every command with each of its arguments and options."""
    blocks = [
        "# Commands",
        "Every command, argument and option, from their help texts; written by `make api`. "
        "`steerstat COMMAND --help` prints the same.",
    ]
    for name, command in leaves():
        blocks.append(f"## `steerstat {name}`")
        for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
            text = " ".join(paragraph.split())
            shown = text.removeprefix("Example: ")
            blocks.append(f"    {shown}" if shown.startswith("steerstat ") else text)
        rows = [
            f"| {_names(each)} | {_default(each)} | {_help(each)} |" for each in parameters(command)
        ]
        blocks.append("\n".join(["| | default | |", "|---|---|---|", *rows]))
    return "\n\n".join(blocks) + "\n"


def _names(parameter: Any) -> str:
    """What is typed: `STORE` of an argument, every spelling of an option."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}`"
    return ", ".join(f"`{each}`" for each in [*parameter.opts, *parameter.secondary_opts])


def _default(parameter: Any) -> str:
    """`required`, the default, or nothing where leaving it out means just that."""
    if parameter.required:
        return "required"
    empty = parameter.default is None or parameter.default is False or parameter.default == ""
    return "" if empty else f"`{parameter.default}`"


def _help(parameter: Any) -> str:
    return " ".join((parameter.help or "").split()).replace("|", "\\|").replace("<", "\\<")


PAGES = {"api.md": api_page, "commands.md": commands_page}


def main() -> None:
    """Write both pages."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    main()
