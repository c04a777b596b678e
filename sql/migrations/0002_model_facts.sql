-- What the identity of a model covers, by name: one row per model and fact.
CREATE TABLE model_facts (
    model_id VARCHAR,
    fact VARCHAR,
    value VARCHAR,
    shard_no INTEGER
);
