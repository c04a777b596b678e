-- What audits found: one row per state of the store and check.
CREATE TABLE audit_findings (
    store_digest VARCHAR,
    check_id VARCHAR,
    status VARCHAR,
    severity VARCHAR,
    n_affected BIGINT,
    n_checked BIGINT,
    quantity VARCHAR,
    estimate DOUBLE,
    low DOUBLE,
    high DOUBLE,
    consequence VARCHAR,
    verdicts VARCHAR,
    sql VARCHAR,
    rows_digest VARCHAR,
    action VARCHAR,
    reference VARCHAR,
    why VARCHAR,
    accepted VARCHAR,
    accepted_at TIMESTAMP,
    code_version VARCHAR,
    shard_no INTEGER
);
