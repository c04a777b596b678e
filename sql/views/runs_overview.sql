-- Every run: what it was, how far it came and what it left behind.
--
-- Grain: one row per run; outcomes are credited to the run that computed them.
--
-- Columns:
--   seconds             from start to finish; NULL while a run has not finished
--   n_outcomes, n_conditions, n_problems, n_fragile   outcomes of this run
--   n_unreadable, n_missing   of those, answers that cannot be read, and outcomes that are missing
--   models              names of the models it ran
CREATE OR REPLACE VIEW runs_overview AS
WITH
-- Totals per run and condition first: few rows for what follows.
parts AS (
    SELECT
        run_no, condition_no, count(*) AS n,
        count(*) FILTER (correct IS NULL AND readable_right(correct, status) IS NOT NULL)
            AS n_unreadable,
        count(*) FILTER (readable_right(correct, status) IS NULL) AS n_missing,
        count(*) FILTER (fragile) AS n_fragile
    FROM outcome_rows
    GROUP BY run_no, condition_no
),
problems_of AS (
    SELECT run_no, count(*) AS n_problems
    FROM (SELECT DISTINCT run_no, problem_no FROM outcome_rows)
    GROUP BY run_no
),
totals AS (
    SELECT
        p.run_no, CAST(sum(p.n) AS BIGINT) AS n_outcomes, count(*) AS n_conditions,
        CAST(sum(p.n_unreadable) AS BIGINT) AS n_unreadable,
        CAST(sum(p.n_missing) AS BIGINT) AS n_missing,
        CAST(sum(p.n_fragile) AS BIGINT) AS n_fragile,
        list(DISTINCT c.model ORDER BY c.model) AS models
    FROM parts AS p
    LEFT JOIN condition_details AS c USING (condition_no)
    GROUP BY p.run_no
)
SELECT
    r.run_id, r.created_at, r.finished_at, r.status, r.command, r.code_version, r.git_commit,
    r.host, r.device, r.rng_seed, r.plan_id,
    date_diff('millisecond', r.created_at, r.finished_at) / 1000 AS seconds,
    t.models, coalesce(t.n_outcomes, 0) AS n_outcomes, coalesce(t.n_conditions, 0) AS n_conditions,
    coalesce(q.n_problems, 0) AS n_problems, coalesce(t.n_unreadable, 0) AS n_unreadable,
    coalesce(t.n_missing, 0) AS n_missing, coalesce(t.n_fragile, 0) AS n_fragile
FROM runs AS r
LEFT JOIN run_keys AS k USING (run_id)
LEFT JOIN totals AS t ON t.run_no = k.run_no
LEFT JOIN problems_of AS q ON q.run_no = k.run_no
ORDER BY r.created_at;
