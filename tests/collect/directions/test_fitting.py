"""Fits and controls on what a store holds; a direction written in SQL equals the built-in one."""

import json
import re

import numpy as np
import pytest

from collect.directions.control_vectors import random_per_position
from collect.directions.directions import add_direction
from collect.directions.extraction import activation_table, stored_activations
from collect.directions.fits import mean_difference, mean_difference_matched
from collect.directions.fitting import FitRequest, draw_controls, fit_direction
from collect.directions.selection import select_directions
from collect.directions.vector_files import query_text, query_vectors
from collect.problems.problem_sets import add_set, members
from collect.problems.problems import add_problems, generated
from sql.errors import UserError
from store import shards
from store.ingestion import ingest
from store.layout import create_store
from tests.paths import ROOT
from tests.reading import read

DOCS = ROOT / "docs" / "directions.md"
T, D = 3, 8


@pytest.fixture
def root(tmp_path):
    """A store with 60 labelled problems and activations at two sites."""
    root = create_store(tmp_path / "store")
    rows = generated(60).rows
    add_problems(root, rows)
    ids = sorted(row["problem_id"] for row in rows)
    labels = {problem: i % 3 != 0 for i, problem in enumerate(ids)}
    add_set(root, "train", ids, split="train", selection="balanced_on_baseline", labels=labels)
    model = {"model_id": "m", "name": "tiny", "family": "codi", "weights_sha256": "w"}
    shards.append(root, "models", [{**model, "tokenizer_sha256": "t", "d_model": D, "n_latent": T}])
    rng = np.random.default_rng(0)
    for site in ("latent", "residual:1"):
        values = rng.standard_normal((60, T, D)).astype(np.float32)
        shards.append(root, "activations", activation_table("m", "codi", site, ids, values))
    return root


def arrays(root, site="latent"):
    rows = shards.committed(root, "problem_sets").to_pylist()
    labels = {row["problem_id"]: row["label"] for row in rows}
    ids = sorted(labels)
    _, activations = stored_activations(root, ids, site=site)
    steps = {
        row["problem_id"]: row["n_steps"] for row in shards.committed(root, "problems").to_pylist()
    }
    return activations, np.array([labels[i] for i in ids]), np.array([steps[i] for i in ids])


def test_a_fit_of_the_store_is_the_fit_of_its_arrays(root):
    fit_direction(root, FitRequest(fit="mean_difference", set_name="train"), name="raw")
    request = FitRequest(fit="mean_difference_matched", set_name="train", strata="n_steps")
    fit_direction(root, request, name="matched")
    matched, raw = select_directions(root, "matched,raw")
    activations, labels, steps = arrays(root)
    np.testing.assert_allclose(raw.vectors, mean_difference(activations, labels), rtol=1e-6)
    expected = mean_difference_matched(activations, labels, strata=steps)
    np.testing.assert_allclose(matched.vectors, expected, rtol=1e-5, atol=1e-6)
    assert (raw.kind, raw.role, raw.site) == ("mean_difference", "candidate", "latent")
    fitted_on = json.loads(shards.committed(root, "directions")["fitted_on"].to_pylist()[0])
    assert (fitted_on["set"], fitted_on["n_right"], fitted_on["n_wrong"]) == ("train", 40, 20)


def test_fitted_in_one_place_and_added_in_another_and_at_several(root):
    elsewhere = FitRequest(fit="mean_difference", set_name="train", fitted_at="residual:1")
    fit_direction(root, elsewhere, name="elsewhere")
    several = FitRequest(fit="mean_difference", set_name="train", site="latent,residual:1")
    fit_direction(root, several, name="several")
    one, both = select_directions(root, "elsewhere,several")
    activations, labels, _ = arrays(root, "residual:1")
    np.testing.assert_allclose(one.vectors, mean_difference(activations, labels), rtol=1e-6)
    assert one.site == "latent"
    assert both.vectors.shape == (2 * T, D)
    np.testing.assert_array_equal(both.vectors[T:], one.vectors)


def test_mean_difference_in_sql_equals_the_built_in(root, tmp_path):
    """The query of the documentation, word for word, but for the name of the set."""
    fit_direction(root, FitRequest(fit="mean_difference", set_name="train"), name="built_in")
    (query,) = re.findall(r"```sql\n(.*?)```", DOCS.read_text("utf-8"), flags=re.DOTALL)[:1]
    path = tmp_path / "my_direction.sql"
    path.write_text(query)
    ingest(root)
    vectors = query_vectors(root, str(path))
    add_direction(root, vectors, name="in_sql", kind="sql", recipe={"query": query_text(str(path))})
    built_in, in_sql = select_directions(root, "built_in,in_sql")
    np.testing.assert_allclose(in_sql.vectors, built_in.vectors, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["random_per_position", "random_total_norm", "shuffled_labels"])
def test_controls_are_matched_to_their_candidate(root, kind):
    fit_direction(root, FitRequest(fit="mean_difference", set_name="train"), name="raw")
    ids = draw_controls(root, kind, like="raw", count=4, prefix="c", seed=5)
    assert ids == draw_controls(root, kind, like="raw", count=4, prefix="c", seed=5)
    (parent,) = select_directions(root, "raw")
    found = select_directions(root, "role=control")
    assert [one.name for one in found] == ["c_000", "c_001", "c_002", "c_003"]
    for one in found:
        assert (one.kind, one.parent_id) == (kind, parent.direction_id)
        assert one.norm == pytest.approx(parent.norm, rel=1e-5)
        if kind != "random_total_norm":
            np.testing.assert_allclose(
                np.linalg.norm(one.vectors, axis=1),
                np.linalg.norm(parent.vectors, axis=1),
                rtol=1e-5,
            )
    assert len({one.vectors.tobytes() for one in found}) == 4
    if kind == "random_per_position":
        expected = random_per_position(parent.vectors, np.random.default_rng([5, 2, *b"c"]))
        np.testing.assert_allclose(found[2].vectors, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (FitRequest(fit="magic", set_name="train"), "unknown fit 'magic'"),
        (FitRequest(fit="mean_difference", set_name="gone"), "no problem set 'gone'"),
        (FitRequest(fit="mean_difference", set_name="bare"), "set bare has no labels"),
        (FitRequest(fit="mean_difference", set_name="train", site="residual:7"), "no stored"),
        (FitRequest(fit="mean_difference", set_name="train", site="elbow"), "unknown site"),
        (FitRequest(fit="mean_difference", set_name="train", model="huge"), "some of tiny"),
        (FitRequest(fit="mean_difference", set_name="train", protocol="report"), "no stored"),
        (
            FitRequest(fit="mean_difference_matched", set_name="train", strata="moon"),
            "'moon': none of 60 problems",
        ),
        (FitRequest(fit="mean_difference_matched", set_name="train"), "needs one stratum"),
        (FitRequest(fit="mean_difference", set_name="more"), "1 of 2 problems have no stored"),
    ],
)
def test_refusals_of_fits(root, request_, message):
    known = shards.committed(root, "problems")["problem_id"].to_pylist()
    add_set(root, "bare", known[:3], split="test", selection="random")
    add_problems(root, generated(1, seed=9).rows)
    new = (set(shards.committed(root, "problems")["problem_id"].to_pylist()) - set(known)).pop()
    labels = {known[0]: True, new: False}
    add_set(root, "more", list(labels), split="test", selection="all", labels=labels)
    with pytest.raises(UserError, match=message) as caught:
        fit_direction(root, request_, name="a")
    assert "\n" not in str(caught.value)
    assert not shards.committed(root, "directions").num_rows


def test_every_candidate_is_given_controls_of_its_own(root):
    add_direction(root, np.ones((T, D)), name="long", kind="k")
    add_direction(root, np.full((T, D), 0.1), name="short", kind="k")
    draw_controls(root, "random_per_position", like="kind=k", count=2)
    ids = {one.name: one for one in select_directions(root, "long*,short*")}
    assert sorted(ids) == [
        "long", "long_random_per_position_000", "long_random_per_position_001", "short",
        "short_random_per_position_000", "short_random_per_position_001",
    ]  # fmt: skip
    for name in ("long", "short"):
        own = ids[f"{name}_random_per_position_001"]
        assert own.parent_id == ids[name].direction_id
        assert own.norm == pytest.approx(ids[name].norm, rel=1e-5)
    with pytest.raises(UserError, match="fits 2 directions: one name is for"):
        draw_controls(root, "random_per_position", like="long,short", count=1, prefix="c")
    # `long` could have shuffled labels no more than `short`: nothing is added for either.
    known = shards.committed(root, "directions").num_rows
    with pytest.raises(UserError, match="was not fitted here"):
        draw_controls(root, "shuffled_labels", like="long,short", count=1)
    assert shards.committed(root, "directions").num_rows == known


def test_refusals_of_controls(root):
    add_direction(root, np.ones((T, D)), name="by_hand", kind="k")
    with pytest.raises(UserError, match="unknown control 'noise'"):
        draw_controls(root, "noise", like="by_hand", count=1, prefix="c")
    with pytest.raises(UserError, match="at least 1"):
        draw_controls(root, "random_total_norm", like="by_hand", count=0, prefix="c")
    with pytest.raises(UserError, match="no direction is named"):
        draw_controls(root, "random_total_norm", like="gone", count=1, prefix="c")
    with pytest.raises(UserError, match="was not fitted here"):
        draw_controls(root, "shuffled_labels", like="by_hand", count=1, prefix="c")


def test_shuffled_labels_of_a_principal_component_are_refused(root):
    fit_direction(root, FitRequest(fit="first_principal_component", set_name="train"), name="pc")
    with pytest.raises(UserError, match="uses no labels"):
        draw_controls(root, "shuffled_labels", like="pc", count=1)
    assert len(draw_controls(root, "random_total_norm", like="pc", count=1)) == 1


BAD_QUERIES = [
    ("select 1 as position", "needs position and values"),
    ("select 0 as position, [1.0] as values where false", "gave no rows"),
    ("select 1 as position, [1.0] as values", "needs 0, 1, 2"),
    ("select unnest([0, 0]) as position, [1.0] as values", "needs 0, 1, 2"),
    ("select 0 as position, [1.0, null] as values", "without NULLs"),
    ("select 0 as position, 1.0 as values", "must be lists"),
    (
        "select 0 as position, [1.0] as values union all select 1, [1.0, 2.0]",
        "differ in length",
    ),
    ("select * from gone", "the query failed: .*gone"),
    ("select * from read_parquet('/etc/hostname')", "the query failed"),
    ("nowhere.sql", "no file nowhere.sql"),
]


def test_queries_that_give_no_vectors(root):
    ingest(root)
    for query, message in BAD_QUERIES:
        with pytest.raises(UserError, match=message) as caught:
            query_vectors(root, query)
        assert "\n" not in str(caught.value)


def test_two_sets_of_controls_are_not_the_same_draws(root):
    fit_direction(root, FitRequest(fit="mean_difference", set_name="train"), name="raw")
    for prefix in ("one", "two"):
        draw_controls(root, "random_total_norm", like="raw", count=1, prefix=prefix)
    first, second = (select_directions(root, name)[0].vectors for name in ("one", "two"))
    cosine = (first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum())
    assert abs(cosine) < 0.9


def test_a_problem_without_a_stratum_takes_no_part_and_is_named(root):
    ids = sorted(members(root, "train"))
    request = FitRequest(
        fit="mean_difference_matched",
        set_name="train",
        site="latent",
        protocol="codi",
        strata="moon",
    )
    rows = [
        {"scheme": "moon", "problem_id": p, "level": "full" if i % 2 else "new"}
        for i, p in enumerate(ids[7:])
    ]
    shards.append(root, "strata", rows)
    fit_direction(root, request, name="matched")
    ingest(root)
    (found,) = select_directions(root, "matched")
    _, activations = stored_activations(root, ids[7:], site="latent", protocol="codi", model=None)
    labels = np.array([members(root, "train")[p]["label"] for p in ids[7:]])
    expected = mean_difference_matched(
        activations, labels, strata=np.array([row["level"] for row in rows])
    )
    np.testing.assert_allclose(found.vectors, expected, rtol=1e-5, atol=1e-7)
    (row,) = read(root, "select fitted_on from directions").to_pylist()
    assert json.loads(row["fitted_on"])["without_stratum"] == ids[:7]
