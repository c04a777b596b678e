"""Write `docs/api.md` from the public names and `docs/commands.md` from the command line.

The table of `docs/answers.md` is made of `docs/answers.jsonl`, which the tests read too, that of
`docs/audit.md` of the checks.

    python docs/make_api.py            # or `make api`

The pages are made of docstrings, help texts and that table alone; a test compares them with what
this would write, so that none can fall behind the code.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import FunctionType
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
    "analysis.audit": "The audit",
    "analysis.report": "The report",
    "analysis.serve": "The live page",
    "collect": "Models and steering",
}
ROOMS = {package.partition(".")[0] for package in PACKAGES}
# Typer gives these to a command that is run alone; they say nothing of it.
_NOT_OURS = {"install_completion", "show_completion", "help"}


def api_page() -> str:
    """The page of every public name: how it is called and what its docstring says."""
    blocks = [
        "# API",
        "Every public name, with the methods and properties of classes, from its docstring; "
        "written by `make api`. The names of `store`, `analysis` and `collect` are names of "
        "`steerstat` too, and so are the modules `tables` and `charts`.",
    ]
    for package, title in PACKAGES.items():
        module = importlib.import_module(package)
        blocks.append(f"## {title}: `{package}`")
        for name in sorted(module.__all__, key=str.lower):
            blocks += _entry(package, name, getattr(module, name))
    return "\n\n".join(blocks) + "\n"


def _entry(package: str, name: str, public: Any) -> Iterator[str]:
    """Heading, call and docstring of one name."""
    yield f"### `{package}.{name}`"
    if not callable(public):
        # A constant has no docstring; of a long one the names are what is used.
        yield _indented(
            f"{name}: {', '.join(public) if isinstance(public, dict) else repr(public)}"
        )
        return
    yield _indented(f"{name}{_signature(public)}")
    summary, _, rest = (inspect.getdoc(public) or "").partition("\n\n")
    yield " ".join(summary.split())
    if rest:
        yield f"```text\n{rest.strip()}\n```"
    if lines := [_member(member, how) for member, how in members(public)]:
        yield "\n".join(lines)


def members(public: Any) -> list[tuple[str, Any]]:
    """Methods and properties of a class of ours, its bases' included, by name; else none."""
    if not inspect.isclass(public):
        return []
    ours = [base for base in public.__mro__ if base.__module__.partition(".")[0] in ROOMS]
    defined = {name: how for base in reversed(ours) for name, how in vars(base).items()}
    return sorted(
        (name, how)
        for name, how in defined.items()
        if (name == "__call__" or not name.startswith("_"))
        and isinstance(how, FunctionType | property | cached_property | classmethod | staticmethod)
    )


def _member(name: str, how: Any) -> str:
    """One line of a list: how a method is called or what a property is, and what it says."""
    if isinstance(how, property | cached_property):
        function: Any = how.fget if isinstance(how, property) else how.func
        call = f"{name}: {_type(inspect.signature(function).return_annotation)}"
    else:
        function = how.__func__ if isinstance(how, classmethod | staticmethod) else how
        signature = inspect.signature(function)
        bound = list(signature.parameters.values())[not isinstance(how, staticmethod) :]
        call = f"{name}{_call(signature.replace(parameters=bound))}"
    summary = (inspect.getdoc(function) or "").partition("\n\n")[0]
    return f"- `{call}`: {' '.join(summary.split())}"


def _signature(public: Any) -> str:
    """The call, one parameter a line where it is long; nothing of what is not called."""
    if inspect.isclass(public) and issubclass(public, Exception):
        return ""
    if fields := getattr(public, "model_fields", None):  # read from a file, and checked there
        return f": {', '.join(fields)}"
    signature = inspect.signature(public)
    if inspect.isclass(public):
        signature = signature.replace(return_annotation=signature.empty)
    short = _call(signature)
    if len(short) <= 80:
        return short
    parts, to = _parts(signature)
    return "(\n" + "".join(f"    {part},\n" for part in parts) + f"){to}"


def _call(signature: inspect.Signature) -> str:
    """A call in one line."""
    parts, to = _parts(signature)
    return f"({', '.join(parts)}){to}"


def _parts(signature: inspect.Signature) -> tuple[list[str], str]:
    """The parameters as they are written, and what stands after them."""
    parts, keyword_only = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            parts.append("*")
        keyword_only |= parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        parts.append(_parameter(parameter))
    result = signature.return_annotation
    return parts, "" if result is signature.empty else f" -> {_type(result)}"


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
            yield from ((f"{name} {each}", leaf) for each, leaf in inner.items())
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


_TABLE = re.compile(r"(?<=<!-- table -->\n).*(?=<!-- end of table -->)", re.DOTALL)


def answers_page() -> str:
    """The page of answers: its words by hand, its table from `docs/answers.jsonl`."""
    rows = [json.loads(line) for line in (HERE / "answers.jsonl").read_text("utf-8").splitlines()]
    lines = []
    for rule in dict.fromkeys(row["rule"] for row in rows):
        lines += ["", f"**{rule}**", "", "| text | answer | gold |", "|---|---|---|"]
        for row in rows:
            if row["rule"] == rule:
                value = "none" if row["value"] is None else f"`{row['value']}`"
                lines.append(f"| {_code(row['text'])} | {value} | {'yes' if row['gold'] else ''} |")
    page = (HERE / "answers.md").read_text("utf-8")
    return _TABLE.sub(lambda _: "\n".join(lines)[1:] + "\n\n", page)


def _code(text: str) -> str:
    """A text as code in a table: line breaks and signs that do not show as their escapes."""
    shown = "".join(
        sign if sign.isprintable() or sign == " " else sign.encode("unicode_escape").decode()
        for sign in text
    )
    shown = shown.replace("|", "\\|").strip()
    mark = "``" if "`" in shown else "`"
    return f"{mark} {shown} {mark}" if "`" in shown else f"{mark}{shown or ' '}{mark}"


def audit_page() -> str:
    """The page of the audit: its words by hand, its table from the checks themselves."""
    from analysis.audit import CHECKS

    lines = []
    for group in dict.fromkeys(name.partition("/")[0] for name in CHECKS):
        lines += ["", f"**{group}**", "", "| check | rule | what to do |", "|---|---|---|"]
        lines += [
            f"| `{check.id}` | {check.rule} | {check.action} |"
            for check in CHECKS.values()
            if check.id.startswith(f"{group}/")
        ]
    page = (HERE / "audit.md").read_text("utf-8")
    return _TABLE.sub(lambda _: "\n".join(lines)[1:] + "\n\n", page)


PAGES = {
    "answers.md": answers_page,
    "audit.md": audit_page,
    "api.md": api_page,
    "commands.md": commands_page,
}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    main()
