-- Continuous outcomes beside right and wrong: one row per outcome and score.
CREATE TABLE scores (
    condition_id VARCHAR,
    problem_id VARCHAR,
    seed INTEGER,
    name VARCHAR,
    value DOUBLE,
    run_id VARCHAR,
    shard_no INTEGER
);
