"""From blocks of the engine to rows: statuses, NULLs, fragile marks, and one row per unit."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from collect.engine.engine import Block
from collect.engine.interventions import Steering
from collect.engine.protocol import resolve_protocol
from collect.sweeps import sweep as module
from collect.sweeps.adaptive import Adaptive, adaptive, alpha_factors
from collect.sweeps.sweep import GREEDY, Problem, Setting, as_stored, condition, continued, sweep
from sql.errors import UserError
from store import append, committed, create_store
from tests.collect.engine.tiny import GOLD, QUESTIONS, build

PROBLEMS = [
    Problem(f"{i:032d}", q, a) for i, (q, a) in enumerate(zip(QUESTIONS, GOLD, strict=True))
]
torch.set_num_threads(1)


@pytest.fixture
def setting():
    model = build()
    return Setting(model, resolve_protocol("codi", model, max_new_tokens=4), GREEDY)


def block_of(setting, answers, truncated, margin):
    """A block of baseline answers, one per problem."""
    ids = [setting.model.tokenizer.encode(text) for text in answers]
    n, t = len(ids), 3
    norms = np.ones((n, t), dtype=np.float32)
    cosine = np.full((n, t), np.nan, dtype=np.float32)
    return Block(
        problem=np.arange(n),
        steering=np.zeros(n, dtype=np.int64),
        seed=np.zeros(n, dtype=np.int64),
        tokens=[[*found, setting.model.eos_id] for found in ids],
        truncated=np.array(truncated),
        gold_logprob=np.array([-1.0, -2.0, np.nan, -1.0], dtype=np.float32),
        margin=np.array(margin, dtype=np.float32),
        norm_before=norms,
        norm_after=norms,
        norm_fed=norms,
        cosine=cosine,
        error=[None] * n,
    )


def test_statuses_and_their_nulls(setting, tmp_path, monkeypatch):
    block = block_of(
        setting, [": 8", ": 9", ": : :", ": 8"], [False, False, False, True], [1.0, 0.5, 0.01, 2.0]
    )
    monkeypatch.setattr(module, "run", lambda *_, **__: iter([block]))
    root = create_store(tmp_path / "store")
    baseline = condition(setting, Steering(None), None)
    sweep(root, setting, PROBLEMS, [baseline], run_id="r", fragile_below=0.1)
    rows = sorted(committed(root, "outcomes").to_pylist(), key=lambda row: row["problem_id"])
    assert [(row["status"], row["answer"], row["correct"]) for row in rows] == [
        ("ok", "8", True),
        ("ok", "9", False),
        ("parse_fail", None, None),
        ("truncated", "8", None),
    ]
    assert [row["fragile"] for row in rows] == [False, False, True, False]
    assert [row["gold_logprob"] for row in rows] == [-1.0, -2.0, None, -1.0]
    assert rows[0]["cosine"] == [None, None, None]


def test_a_condition_is_what_it_computes(setting):
    vectors = np.ones((3, 32), dtype=np.float32)
    steered = condition(setting, Steering(vectors, 2.0, key="a name"), "d" * 32)
    assert steered.condition_id == condition(setting, Steering(vectors, 2.0), "d" * 32).condition_id
    others = [
        condition(setting, Steering(vectors, alpha, **fields), "d" * 32).condition_id  # type: ignore[arg-type]
        for alpha, fields in (
            (1.0, {}),
            (2.0, {"site": "latent_projected"}),
            (2.0, {"schedule": "first"}),
            (2.0, {"operator": "clamp"}),
            (2.0, {"effect": "direct"}),
        )
    ]
    assert len({steered.condition_id, *others}) == 6
    warm = Setting(setting.model, setting.protocol, {"mode": "sample", "temperature": 1.0})
    assert condition(warm, Steering(None), None).row["decoding"] != steered.row["decoding"]


VECTORS = np.ones((3, 32), dtype=np.float32)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"schedule": "uniform"}, {"schedule": "[1, 1.0, 1]"}),
        ({"schedule": "first"}, {"schedule": "[1,0,0]"}),
        ({"schedule": "first"}, {"schedule": "position:0"}),
        ({"schedule": "last"}, {"schedule": "position:2"}),
        ({"schedule": "position:1"}, {"schedule": "[0, 1, 0]"}),
        ({"schedule": "uniform"}, {"schedule": "magnitude"}),  # all norms are alike here
        ({"schedule": "[1, 0.5, 0]"}, {"schedule": "[1.0,0.50,0]"}),
        ({"alpha": 2.0}, {"alpha": 1.0, "schedule": "[2, 2, 2]"}),
        ({"alpha": -2.0, "schedule": "first"}, {"alpha": 4.0, "schedule": "[-0.5, 0, 0]"}),
        ({"site": "residual:2"}, {"site": "residual:02"}),
        ({"operator": "project_out", "alpha": 1.0}, {"operator": "project_out", "alpha": -3.0}),
        ({"operator": "project_out"}, {"operator": "project_out", "schedule": "[2, -1, 0.1]"}),
        (
            {"operator": "project_out", "schedule": "first"},
            {"operator": "project_out", "schedule": "[9, 0, 0]"},
        ),
    ],
)
@pytest.mark.parametrize("vectors", [VECTORS, VECTORS[0]], ids=["[T, d]", "[d]"])
def test_equal_steerings_are_one_condition(setting, one, other, vectors):
    made = [
        condition(setting, Steering(vectors, **{"alpha": 1.0, **fields}), "d" * 32)
        for fields in (one, other)
    ]
    assert made[0].condition_id == made[1].condition_id
    assert made[0].row == made[1].row


@pytest.mark.parametrize(
    "fields",
    [
        {"alpha": 0.0},
        {"alpha": 0.0, "operator": "norm_preserving_add"},
        {"alpha": 1.0, "schedule": "[0, 0, 0]"},
        {"alpha": 1.0, "schedule": "[0, 0, 0]", "operator": "clamp"},
    ],
)
def test_what_does_nothing_is_the_baseline(setting, fields):
    made = condition(setting, Steering(VECTORS, **fields), "d" * 32)
    assert made.condition_id == condition(setting, Steering(None), None).condition_id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"schedule": "magnitude"}, {}),
        ({"schedule": "[1, 1, 0]"}, {}),
        ({"operator": "project_out", "schedule": "[1, 1, 0]"}, {"operator": "project_out"}),
        ({"operator": "clamp", "alpha": 0.0}, {"operator": "clamp"}),
        ({"site": "residual:1"}, {"site": "residual:2"}),
    ],
)
def test_steerings_that_differ_are_two_conditions(setting, one, other):
    vectors = VECTORS * np.array([[1], [2], [3]], dtype=np.float32)
    made = [
        condition(setting, Steering(vectors, **{"alpha": 1.0, **fields}), "d" * 32)
        for fields in (one, other)
    ]
    assert made[0].condition_id != made[1].condition_id


def test_one_vector_at_position_0_has_another_id_than_everywhere(setting):
    at_0, everywhere, first = (
        condition(setting, steering, "d" * 32)
        for steering in (
            Steering(VECTORS[:1], 1.0),
            Steering(VECTORS[:1], 1.0, everywhere=True),
            Steering(VECTORS[0], 1.0, schedule="first"),
        )
    )
    assert at_0.condition_id == first.condition_id != everywhere.condition_id
    assert (at_0.row["schedule"], everywhere.row["schedule"]) == ("first", "uniform")
    assert at_0.otherwise is None  # under "uniform" earlier versions steered everywhere


def with_rule(text):
    rule = alpha_factors(text)
    return Adaptive(rule, {p.problem_id: rule.factors["1"] for p in PROBLEMS})


def test_a_dose_that_depends_on_the_problem_is_data_in_the_condition(setting):
    steering = Steering(VECTORS, 2.0)
    made = {
        text: condition(setting, steering, "d" * 32, with_rule(text))
        for text in ("n_steps:1=1,2=2", "n_steps: 2=2.0, 1=1.0", "n_steps:1=1,2=3", "level:1=1,2=2")
    }
    same, spelled, factor, scheme = (c.condition_id for c in made.values())
    assert same == spelled
    assert len({same, factor, scheme, condition(setting, steering, "d" * 32).condition_id}) == 4
    first = made["n_steps:1=1,2=2"]
    assert first.row["schedule"] == 'uniform by n_steps {"1":1.0,"2":2.0}'
    assert first.steering_of(PROBLEMS[:2]).alpha_factors == [1.0, 1.0]


def test_a_rule_that_changes_nothing_makes_no_other_condition(setting):
    plain = condition(setting, Steering(VECTORS, 3.0), "d" * 32)
    common = condition(setting, Steering(VECTORS, 1.5), "d" * 32, with_rule("n_steps:1=2,2=2"))
    assert common.condition_id == plain.condition_id
    removed = Steering(VECTORS, 3.0, operator="project_out")
    one, two = (
        condition(setting, removed, "d" * 32, rule) for rule in (None, with_rule("a:1=2,2=1"))
    )
    assert one.condition_id == two.condition_id
    assert two.factors is None


def test_factors_without_a_rule_are_refused(setting):
    with pytest.raises(UserError, match="as a rule"):
        condition(setting, Steering(VECTORS, 1.0, alpha_factors=(1.0, 2.0)), "d" * 32)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n_steps", "no stratum with its factor"),
        ("n_steps:1", "no stratum with its factor"),
        ("n_steps:=1", "no stratum with its factor"),
        ("n_steps:1=x", "no stratum with its factor"),
        ("n_steps:1=inf", "no stratum with its factor"),
        ("n_steps:1=1,1=2", "twice"),
        ("a b:1=1", "no usable name"),
    ],
)
def test_a_rule_that_is_none_is_refused(text, message):
    with pytest.raises(UserError, match=message):
        alpha_factors(text)


def test_factors_are_those_of_the_problems_strata(setting, tmp_path):
    root = create_store(tmp_path / "store")
    ids = [problem.problem_id for problem in PROBLEMS]
    rows = [
        {"problem_id": key, "question": key, "answer": "1", "n_steps": 1 + i % 2}
        for i, key in enumerate(ids)
    ]
    append(root, "problems", rows)
    found = adaptive(root, alpha_factors("n_steps:1=-1,2=0"), ids)
    assert [found.of_problem[key] for key in ids] == [-1.0, 0.0, -1.0, 0.0]
    with pytest.raises(UserError, match="no factor for n_steps = 2: give one"):
        adaptive(root, alpha_factors("n_steps:1=1"), ids)
    with pytest.raises(UserError, match="1 of 5 problems have no stratum"):
        adaptive(root, alpha_factors("n_steps:1=1,2=1"), [*ids, "another"])
    steered = condition(setting, Steering(VECTORS, 9.0), "d" * 32, found)
    baseline = condition(setting, Steering(None), None)
    sweep(root, setting, PROBLEMS, [baseline, steered], run_id="r", fragile_below=0)
    answers = {
        (row["condition_id"], row["problem_id"]): row["tokens"]
        for row in committed(root, "outcomes").to_pylist()
    }
    # A factor of 0 leaves the baseline's answer, another one does not have to.
    same = [answers[steered.condition_id, k] == answers[baseline.condition_id, k] for k in ids]
    assert same[1::2] == [True, True]
    assert not all(same)


def test_a_spelling_that_a_store_has_is_gone_on_with(setting, tmp_path):
    root = create_store(tmp_path / "store")
    made = [
        condition(setting, Steering(VECTORS, alpha, operator="project_out"), "d" * 32)
        for alpha in (-1.0, 1.0, 2.0)
    ]
    assert [c.condition_id for c in as_stored(root, made)] == [made[1].condition_id]
    earlier = made[0].otherwise
    assert earlier is not None
    append(root, "conditions", [earlier.row])
    kept = [c.condition_id for c in as_stored(root, made)]
    assert kept == [earlier.condition_id, made[1].condition_id]
    append(root, "conditions", [made[1].row])
    assert [c.condition_id for c in as_stored(root, made[:1])] == [made[1].condition_id]


def test_an_interrupted_sweep_keeps_what_was_finished(setting, tmp_path, monkeypatch):
    root = create_store(tmp_path / "store")
    baseline = condition(setting, Steering(None), None)
    real = module.run  # type: ignore[attr-defined]

    def interrupted(*arguments, **options):
        yield next(iter(real(*arguments, **options)))
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(root, setting, PROBLEMS[:1], [baseline], run_id="r", fragile_below=0)
    assert committed(root, "outcomes").num_rows == 1
    monkeypatch.setattr(module, "run", real)
    assert sweep(root, setting, PROBLEMS, [baseline], run_id="s", fragile_below=0) == 3
    assert committed(root, "outcomes").num_rows == 4


def test_a_dose_is_steered_and_stored_as_it_counts(setting):
    vectors = np.ones((3, setting.model.d_model), dtype=np.float32)
    made = [condition(setting, Steering(vectors, dose), "d") for dose in (0.1 + 0.2, 0.3)]
    assert made[0].condition_id == made[1].condition_id
    assert made[0].steering.alpha == made[0].row["alpha"] == 0.3


def test_a_store_goes_on_with_the_parser_that_graded_it(setting, tmp_path):
    root = create_store(tmp_path / "store")
    assert continued(root, setting) == setting
    first = replace(setting, protocol=replace(setting.protocol, parser_version=1))
    row = condition(first, Steering(None), None).row
    assert "parser_version" not in row["protocol_fields"]
    append(root, "conditions", [{**row, "model_id": "another", "condition_id": "x"}])
    assert continued(root, setting) == setting
    append(root, "conditions", [row])
    assert continued(root, setting) == first
    longer = replace(setting, protocol=replace(setting.protocol, max_new_tokens=5))
    assert continued(root, longer) == longer
    append(root, "conditions", [condition(setting, Steering(None), None).row])
    assert continued(root, setting) == setting


def test_the_version_decides_what_is_right(setting, tmp_path, monkeypatch):
    block = block_of(setting, [": 8", ": 9", ": : :", ": 8"], [False] * 4, [1.0] * 4)
    monkeypatch.setattr(module, "run", lambda *_, **__: iter([block]))
    text = "#### 8\nQ: 2 + 2?\n#### 4"
    monkeypatch.setattr(module, "read_answer", lambda *_: (text, False))
    for version, answer in ((1, "4"), (2, "8")):
        root = create_store(tmp_path / str(version))
        how = replace(setting, protocol=replace(setting.protocol, parser_version=version))
        baseline = condition(how, Steering(None), None)
        sweep(root, how, PROBLEMS, [baseline], run_id="r", fragile_below=0.1)
        assert set(committed(root, "outcomes")["answer"].to_pylist()) == {answer}
