"""Help texts in one style, and each shared option declared once."""

import re

import pytest
import typer

from collect.cli import collect, directions, extract, model, problems, reproduce


def parameters():
    """(command, parameter) of every command that is in this folder."""
    for module in (collect, directions, extract, model, problems, reproduce):
        app = typer.main.get_command(module.app)
        for command in getattr(app, "commands", {app.name: app}).values():
            for parameter in command.params:
                if "completion" not in parameter.name and parameter.name != "help":
                    yield pytest.param(parameter, id=f"{command.name} {parameter.name}")


def is_flag(parameter):
    return getattr(parameter, "is_flag", False)


@pytest.mark.parametrize("parameter", list(parameters()))
def test_a_help_text_is_a_sentence(parameter):
    assert re.fullmatch(r"[A-Z].*\.", parameter.help), parameter.help


@pytest.mark.parametrize("parameter", [one for one in parameters() if not is_flag(one.values[0])])
def test_a_help_text_says_a_value_and_the_default(parameter):
    """The signature shows a default that is a value; words say what happens without one."""
    assert re.search(r"such as|[:] [a-z0-9_.*]+,? ", parameter.help), parameter.help
    if not parameter.required and parameter.default is None:
        assert "by default" in parameter.help, parameter.help
    assert "(default" not in parameter.help, parameter.help


def test_one_name_has_one_help_text_but_where_it_means_something_else():
    texts: dict[str | None, set[str | None]] = {}
    for one in parameters():
        texts.setdefault(one.values[0].name, set()).add(one.values[0].help)
    several = {name for name, found in texts.items() if len(found) > 1}
    # Counts, kinds and names are of another thing in each command; protocols of another moment.
    assert several <= {
        "count", "kind", "model", "name", "out", "parser", "problems", "protocol", "set_name",
        "site", "source", "split", "store",
    }  # fmt: skip
