"""What the documents say is there: links, paths, imports, commands, options, columns and names."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest

from docs import make_api
from sql import loader
from store.schema import TABLES, Table
from tests.paths import DOCS, ROOT

LEAVES = dict(make_api.leaves())
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(DOCS.glob("*.md")),
    *sorted(ROOT.glob("examples/*/README.md")),
    *sorted(ROOT.glob("collect/bundled/*/README.md")),
]
BY_HAND = [page for page in PAGES if page.name not in make_api.PAGES]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}


def shown(text: str) -> list[list[str]]:
    """The commands in a page's code, each as its words after `steerstat`."""
    lines = re.findall(
        r"^(?: {4}|\$ |)(?:\.venv/bin/)?steerstat ([a-z].*)$",
        "\n".join(
            re.findall(r"^ {4}.*$|^```(?:console)?\n.*?^```", text, re.MULTILINE | re.DOTALL)
        ).replace("\\\n", " "),
        re.MULTILINE,
    )
    return [shlex.split(line, comments=True) for line in lines]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as they are made where it is read."""
    found: set[str] = set()
    for heading in re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M
    ):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        more = 1
        anchor = slug
        while anchor in found:
            anchor, more = f"{slug}-{more}", more + 1
        found.add(anchor)
    return found


def broken(page: Path, text: str) -> list[str]:
    """Links of a page that lead to no file or to no heading."""
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        if not file.exists() or (
            anchor and anchor not in anchors(file.read_text(encoding="utf-8"))
        ):
            wrong.append(f"{page.name}: {target}")
    return wrong


def test_links_and_anchors_lead_somewhere() -> None:
    assert not [wrong for page, text in TEXTS.items() for wrong in broken(page, text)]


@pytest.mark.parametrize(
    ("target", "is_broken"),
    [
        ("store.md", False),
        ("store.md#tables", False),
        ("nowhere.md", True),
        ("store.md#tabels", True),
        ("#gone", True),
    ],
)
def test_a_broken_link_is_found(target: str, is_broken: bool) -> None:
    assert bool(broken(DOCS / "index.md", f"[text]({target})")) is is_broken


def test_every_page_is_in_the_index() -> None:
    index = TEXTS[DOCS / "index.md"]
    assert not [
        page.name
        for page in DOCS.glob("*.md")
        if page.name != "index.md" and f"({page.name})" not in index
    ]
    assert "(docs/index.md)" in TEXTS[ROOT / "README.md"]


def test_every_path_that_a_page_names_exists() -> None:
    rooms = "analysis|benchmarks|collect|docs|examples|sql|store|tests"
    missing = [
        f"{page.name}: {path}"
        for page in BY_HAND
        for path in re.findall(rf"`((?:{rooms})/[\w./-]*)`?", TEXTS[page])
        if not list(ROOT.glob(path.rstrip(".")))
    ]
    assert not missing


@pytest.mark.parametrize("page", BY_HAND, ids=lambda page: page.name)
def test_every_import_that_a_page_shows_works(page: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", TEXTS[page], re.MULTILINE | re.DOTALL)
    for line in re.findall(r"^(?:>>> )?(from [\w.]+ import .+)$", "\n".join(blocks), re.MULTILINE):
        exec(line, {})


def test_every_room_is_in_the_map_for_contributors() -> None:
    text = TEXTS[ROOT / "CONTRIBUTING.md"]
    rooms = {
        f"{package}/{folder.name}"
        for package in ("analysis", "collect", "store")
        for folder in (ROOT / package).iterdir()
        if (folder / "__init__.py").exists()
    }
    assert not [room for room in sorted(rooms) if f"`{room}`" not in text]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_column_of_a_table_is_explained(table: Table) -> None:
    rows = [
        line
        for line in TEXTS[DOCS / "store.md"].splitlines()
        if line.startswith(f"| `{table.name}` |")
    ]
    assert len(rows) == 1
    assert not [name for name in table.names if f"`{name}`" not in rows[0]]


@pytest.mark.parametrize("view", sorted(view for view in loader.views()))
def test_every_view_is_explained(view: str) -> None:
    assert f"| `{view}` |" in TEXTS[DOCS / "sql.md"]


def test_a_word_of_the_glossary_has_one_entry() -> None:
    words = re.findall(r"^\| ([^|]+) \|", TEXTS[DOCS / "glossary.md"], re.M)
    words = [word for word in words if word not in ("word", "---")]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("name", list(make_api.PAGES))
def test_a_page_made_from_the_code_is_current(name: str) -> None:
    assert TEXTS[DOCS / name] == make_api.PAGES[name](), "run `make api`"


def test_every_package_with_a_facade_is_on_the_page_of_names() -> None:
    facades = {
        ".".join(stub.relative_to(ROOT).parent.parts)
        for package in ("analysis", "collect", "store")
        for stub in (ROOT / package).rglob("__init__.pyi")
    }
    assert facades == set(make_api.PACKAGES)


@pytest.mark.parametrize("package", list(make_api.PACKAGES))
def test_every_public_name_is_on_the_page_and_says_what_it_is(package: str) -> None:
    module = importlib.import_module(package)
    assert not [
        name for name in module.__all__ if f"### `{package}.{name}`" not in TEXTS[DOCS / "api.md"]
    ]
    silent = [
        name
        for name in module.__all__
        if callable(getattr(module, name)) and not getattr(module, name).__doc__
    ]
    assert not silent


CLASSES = [
    (package, name)
    for package in make_api.PACKAGES
    for name in importlib.import_module(package).__all__
    if isinstance(getattr(importlib.import_module(package), name), type)
]


@pytest.mark.parametrize(("package", "name"), CLASSES)
def test_every_method_and_property_is_on_the_page_and_says_what_it_is(
    package: str, name: str
) -> None:
    section = TEXTS[DOCS / "api.md"].partition(f"### `{package}.{name}`\n")[2].partition("\n## ")[0]
    section = section.partition("\n### ")[0]
    public = getattr(importlib.import_module(package), name)
    # By another road than the page's: whatever `dir` shows that a base of ours defines.
    for member in dir(public):
        home = next((base for base in public.__mro__ if member in vars(base)), object)
        ours = home.__module__.partition(".")[0] in make_api.ROOMS
        how = vars(home).get(member)
        called = callable(how) or isinstance(how, classmethod | staticmethod)
        if member.startswith("_") or not ours or not (called or hasattr(how, "__get__")):
            continue
        mark = "(" if called else ": "
        line = re.search(rf"^- `{member}{re.escape(mark)}[^`]*`: \S", section, re.M)
        assert line, f"{package}.{name}.{member}"


def test_members_of_a_class_are_listed_and_nothing_of_others() -> None:
    from analysis.plans import Stamps
    from analysis.statistics.results import Estimate

    assert [name for name, _ in make_api.members(Stamps)] == ["__call__", "notes", "plan_of"]
    assert [name for name, _ in make_api.members(Estimate)] == ["as_dict"]
    assert make_api.members(dict) == make_api.members(len) == []


@pytest.mark.parametrize("name", list(LEAVES))
def test_every_command_and_option_is_documented(name: str) -> None:
    section = TEXTS[DOCS / "commands.md"].partition(f"## `steerstat {name}`\n")[2]
    section = section.partition("\n## ")[0]
    assert f"    steerstat {name}" in section, "no example"
    for parameter in make_api.parameters(LEAVES[name]):
        assert parameter.help, f"{parameter.name} says nothing"
        spelled = [*parameter.opts, *parameter.secondary_opts]
        typed = spelled if parameter.param_type_name == "option" else [parameter.name.upper()]
        assert all(f"`{each}`" in section for each in typed), typed


@pytest.mark.parametrize("name", list(LEAVES))
def test_every_command_is_on_a_page_written_by_hand(name: str) -> None:
    assert any(re.search(rf"steerstat {name}\b", TEXTS[page]) for page in BY_HAND)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_that_a_page_shows_exist_with_their_options(page: Path) -> None:
    for words in shown(TEXTS[page]):
        name = next((n for n in (" ".join(words[:2]), words[0]) if n in LEAVES), None)
        assert name, words
        options = {
            option
            for parameter in make_api.parameters(LEAVES[name])
            for option in [*parameter.opts, *parameter.secondary_opts]
        }
        given = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert given <= options, (name, given - options)


def test_commands_are_found_where_pages_show_them() -> None:
    text = "    steerstat sql a\n\n```console\n$ steerstat calc power --n 3 \\\n  --effect 2\n```\n"
    assert shown(text) == [["sql", "a"], ["calc", "power", "--n", "3", "--effect", "2"]]
    assert sum(len(shown(text)) for text in TEXTS.values()) > 100
