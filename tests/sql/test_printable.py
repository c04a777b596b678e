"""Texts of others on their way to a reader: nothing in them rings, moves, recolours or misleads."""

from __future__ import annotations

import io
import subprocess
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sql.errors import UserError
from sql.printable import Screen, all_printable, one_line, printable
from store.formats import WRITERS
from tests.paths import ROOT

HOSTILE = "bel\x07esc\x1b[31m\x9bC1 \u202eevil\u2066\ufeff\x00\x7f\r\ud800\uffff"
SHOWN = "bel\\x07esc\\x1b[31m\\x9bC1 \\u202eevil\\u2066\\ufeff\\x00\\x7f\\r\\ud800\\uffff"
# Categories of Unicode: control, surrogate; the formats that change what a line reads like.
BAD = {"Cc", "Cs"}
DIRECTIONS = set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_what_is_not_printable_is_shown_as_its_escape():
    assert printable(HOSTILE) == SHOWN
    assert one_line("a\n\tb \x07") == "a b \\x07"
    assert all_printable({"a\x07": ["\x1b", 1, None, ("x", 2.5)]}) == {
        "a\\x07": ["\\x1b", 1, None, ["x", 2.5]]
    }


@pytest.mark.parametrize(
    "text", ["é 漢字 😀 👩‍🔬 ñ", "a\nb\tc", "α = −3", "\\x07", "a\u2009b\u00a0c"]
)
def test_everything_else_stays(text):
    assert printable(text) == text


@given(st.text())
def test_nothing_unprintable_is_left(text):
    left = set(printable(text)) - {"\n", "\t"}
    assert not {c for c in left if unicodedata.category(c) in BAD or c in DIRECTIONS}
    assert printable(printable(text)) == printable(text)
    assert "\n" not in one_line(text)


def test_an_error_is_one_printable_line():
    assert str(UserError(f"no {HOSTILE}\nhere")) == f"no {SHOWN} here"


@pytest.mark.parametrize("name", ["table", "markdown"])
def test_tables_for_people_are_printable(name):
    text = WRITERS[name](["h\x1b[2J"], [["a\x07"], [["b\x1b"]], [{"k\x9b": "v\u202e"}]])
    assert not set(text) & set("\x07\x1b\x9b\u202e")
    assert "h\\x1b[2J" in text


def test_texts_for_programs_are_whole():
    assert WRITERS["csv"](["h"], [["a\x07"]]) == "h\na\x07\n"
    assert WRITERS["json"](["h"], [["a\x07\u202e"]]) == '[{"h": "a\\u0007\\u202e"}]\n'


def test_markdown_holds_no_tag_and_no_link_of_others():
    text = WRITERS["markdown"](["<b>"], [["<script>x</script>"], ["[a](javascript:x)"], ["< 1 |"]])
    rows = [line.strip("| ") for line in text.splitlines()]
    assert rows == ["\\<b>", "---", "\\<script>x\\</script>", "[a]\\(javascript:x)", "< 1 \\"]


def test_a_screen_filters_what_is_printed_and_lets_its_own_colours_through():
    beneath = io.StringIO()
    screen: Any = Screen(beneath)
    print("a\x1b[2J\x07", file=screen)
    screen.writelines(["\r10 %", "\r20 %\n"])
    Console(file=screen, force_terminal=True, color_system="standard").print("[red]drawn[/red]")
    assert beneath.getvalue() == "a\\x1b[2J\\x07\n\r10 %\r20 %\n\x1b[31mdrawn\x1b[0m\n"
    assert not screen.isatty()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_the_command_prints_nothing_raw(tmp_path, stream):
    program = (
        "import sys, steerstat\n"
        "def noisy(**_): print('ring\\x07 \\x1b[31m', file=getattr(sys, sys.argv[1]))\n"
        "steerstat.app = noisy\nsteerstat.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, stream], cwd=ROOT, capture_output=True, text=True
    )
    assert getattr(done, stream) == "ring\\x07 \\x1b[31m\n"
    missing = subprocess.run(
        [sys.executable, "-m", "steerstat", "sql", str(tmp_path / "a\x1b[31m\x07"), "runs"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert missing.returncode == 2
    assert "a\\x1b[31m\\x07" in missing.stderr
    assert not set(missing.stderr) & set("\x07\x1b")
