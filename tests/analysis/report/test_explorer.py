"""What the page's explorer is given: the numbers of the tables, and a letter for every outcome."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from analysis import tables
from analysis.figures.catalogue import figures
from analysis.report import explorer as module
from analysis.report.explorer import explorer
from analysis.report.html import _json, as_html, policy
from tests.reading import read


@pytest.fixture(scope="module")
def context(drawn_from):
    return explorer(drawn_from)["contexts"][0]


def test_sets_drawn_at_random_come_first_and_candidates_before_controls(drawn_from) -> None:
    found = explorer(drawn_from)
    selected = [one["selected"] for one in found["contexts"]]
    assert selected == sorted(selected)
    control = [one["label"].endswith(", control") for one in found["contexts"][0]["directions"]]
    assert control == sorted(control)
    assert set(control) == {False, True}


def test_results_are_those_of_the_tables(drawn_from, context) -> None:
    effects = tables.effects(drawn_from)
    direction = context["directions"][0]
    own = effects[
        (effects["direction"] == direction["names"]["direction"])
        & (effects["set_name"] == context["names"]["set_name"])
    ].sort_values("alpha")
    drawn = direction["results"][""]
    assert [row[0] for row in drawn] == list(own["alpha"])
    assert [row[5:8] for row in drawn] == own[["n", "gained", "lost"]].to_numpy().tolist()
    assert drawn[0][9] == f"{own['accuracy'].iloc[0] * 100:.1f} %"


def test_strata_add_up_to_the_whole(context) -> None:
    results = context["directions"][0]["results"]
    levels = [level for _, level, _ in context["strata"]]
    assert set(levels) == set(results) - {""}
    for i, row in enumerate(results[""]):
        assert sum(results[level][i][5] for level in levels) == row[5]


def test_letters_are_the_outcomes_of_the_problems(context) -> None:
    direction = context["directions"][0]
    for row in direction["results"][""]:
        letters = direction["letters"][f"{row[0]:g}"]
        assert len(letters) == len(context["problems"])
        assert [letters.count(letter) for letter in "GL"] == row[6:8]
        assert len(letters) - letters.count("-") == row[5]
    steps = [int(problem[2]) for problem in context["problems"]]
    assert steps == sorted(steps)


def test_problems_of_a_large_set_are_not_inlined(drawn_from, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_PROBLEMS", 10)
    found = explorer(drawn_from)["contexts"][0]
    assert found["problems"] == []
    assert found["directions"][0]["letters"] == {}
    assert found["directions"][0]["results"][""]


def test_data_cannot_leave_its_element() -> None:
    text = _json({"question": "</script><b>&"})
    assert "<" not in text
    assert json.loads(text) == {"question": "</script><b>&"}


def test_the_policy_allows_the_one_script_of_the_page() -> None:
    page = as_html([], {}, store="s")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy(script)
    assert digest.replace("+", "&#43;") in page or digest in page


def test_every_figure_has_a_query_that_runs(drawn_from) -> None:
    found = {figure.name: figure.sql for figure in figures(drawn_from)}
    assert "" not in found.values()
    for query in dict.fromkeys(found.values()):
        assert read(drawn_from, query).num_rows > 0
