-- Tables of the results file, version 1.
-- The file is derived from the store's shards: nothing here is typed in by hand.
-- Hex ids of outcomes are mapped to small integers (condition_keys, problem_keys, run_keys), so
-- that a hundred million rows stay small and joins run on integers; the view `outcomes` shows
-- the hex ids again. Every table carries shard_no: the shard that its row came from.

CREATE TABLE store_info (name VARCHAR, value VARCHAR);

CREATE TABLE shards (
    shard_no INTEGER, shard_id VARCHAR, table_name VARCHAR, rows BIGINT, bytes BIGINT,
    sha256 VARCHAR, schema_version INTEGER, created_at TIMESTAMP, run_id VARCHAR,
    rows_ignored BIGINT, replaced_by VARCHAR
);

CREATE TABLE condition_keys (condition_no INTEGER, condition_id VARCHAR);
CREATE TABLE problem_keys (problem_no INTEGER, problem_id VARCHAR);
CREATE TABLE run_keys (run_no INTEGER, run_id VARCHAR);

CREATE TABLE outcome_rows (
    condition_no INTEGER, problem_no INTEGER, seed INTEGER, run_no INTEGER, shard_no INTEGER,
    status VARCHAR, correct BOOLEAN, fragile BOOLEAN, answer VARCHAR, gold_logprob FLOAT,
    margin FLOAT, tokens INTEGER[], text VARCHAR, norm_before FLOAT[], norm_after FLOAT[],
    norm_fed FLOAT[], cosine FLOAT[]
);

CREATE TABLE fragile_differences (
    table_name VARCHAR, key VARCHAR, kept_shard VARCHAR, other_shard VARCHAR, kept VARCHAR,
    other VARCHAR
);

CREATE TABLE runs (
    run_id VARCHAR,
    created_at TIMESTAMP,
    finished_at TIMESTAMP,
    status VARCHAR,
    command VARCHAR,
    code_version VARCHAR,
    git_commit VARCHAR,
    library_versions VARCHAR,
    host VARCHAR,
    device VARCHAR,
    rng_seed BIGINT,
    plan_id VARCHAR,
    gates VARCHAR,
    shard_no INTEGER
);

CREATE TABLE models (
    model_id VARCHAR,
    name VARCHAR,
    family VARCHAR,
    weights_sha256 VARCHAR,
    tokenizer_sha256 VARCHAR,
    n_layer INTEGER,
    d_model INTEGER,
    n_latent INTEGER,
    shard_no INTEGER
);

CREATE TABLE problems (
    problem_id VARCHAR,
    question VARCHAR,
    answer VARCHAR,
    n_steps INTEGER,
    attributes VARCHAR,
    source VARCHAR,
    shard_no INTEGER
);

CREATE TABLE problem_sets (
    set_name VARCHAR,
    problem_id VARCHAR,
    split VARCHAR,
    selection VARCHAR,
    run_id VARCHAR,
    label BOOLEAN,
    shard_no INTEGER
);

CREATE TABLE directions (
    direction_id VARCHAR,
    name VARCHAR,
    kind VARCHAR,
    role VARCHAR,
    site VARCHAR,
    norm DOUBLE,
    norm_by_position DOUBLE[],
    parent_id VARCHAR,
    recipe VARCHAR,
    fitted_on VARCHAR,
    rng_seed BIGINT,
    created_at TIMESTAMP,
    shard_no INTEGER
);

CREATE TABLE direction_vectors (
    direction_id VARCHAR,
    position INTEGER,
    values FLOAT[],
    shard_no INTEGER
);

CREATE TABLE conditions (
    condition_id VARCHAR,
    model_id VARCHAR,
    direction_id VARCHAR,
    alpha DOUBLE,
    schedule VARCHAR,
    site VARCHAR,
    operator VARCHAR,
    effect VARCHAR,
    protocol VARCHAR,
    protocol_fields VARCHAR,
    decoding VARCHAR,
    dtype VARCHAR,
    shard_no INTEGER
);

CREATE TABLE activations (
    model_id VARCHAR,
    protocol VARCHAR,
    problem_id VARCHAR,
    site VARCHAR,
    position INTEGER,
    values FLOAT[],
    shard_no INTEGER
);

CREATE TABLE strata (
    scheme VARCHAR,
    problem_id VARCHAR,
    level VARCHAR,
    source VARCHAR,
    run_id VARCHAR,
    shard_no INTEGER
);

CREATE TABLE plans (
    plan_id VARCHAR,
    text VARCHAR,
    sha256 VARCHAR,
    frozen_at TIMESTAMP,
    superseded VARCHAR,
    shard_no INTEGER
);

CREATE TABLE analyses (
    analysis_id VARCHAR,
    method VARCHAR,
    parameters VARCHAR,
    rows_digest VARCHAR,
    code_version VARCHAR,
    rng_seed BIGINT,
    plan_id VARCHAR,
    shard_no INTEGER
);

CREATE TABLE results (
    analysis_id VARCHAR,
    name VARCHAR,
    quantity VARCHAR,
    contrast VARCHAR,
    estimate DOUBLE,
    low DOUBLE,
    high DOUBLE,
    level DOUBLE,
    p DOUBLE,
    p_adjusted DOUBLE,
    statistic DOUBLE,
    n BIGINT,
    gained BIGINT,
    lost BIGINT,
    k BIGINT,
    family_size BIGINT,
    method VARCHAR,
    status VARCHAR,
    family VARCHAR,
    scope VARCHAR,
    selected_on_outcome BOOLEAN,
    stamp VARCHAR,
    shard_no INTEGER
);

CREATE TABLE claims (
    claim_id VARCHAR,
    document VARCHAR,
    text VARCHAR,
    printed VARCHAR,
    recomputed VARCHAR,
    verdict VARCHAR,
    reason VARCHAR,
    shard_no INTEGER
);

CREATE VIEW outcomes AS
SELECT
    k.condition_id, p.problem_id, o.seed, r.run_id, o.tokens, o.text, o.answer, o.status,
    o.correct, o.gold_logprob, o.margin, o.fragile, o.norm_before, o.norm_after, o.norm_fed,
    o.cosine
FROM outcome_rows AS o
JOIN condition_keys AS k USING (condition_no)
JOIN problem_keys AS p USING (problem_no)
LEFT JOIN run_keys AS r USING (run_no);
