-- Every way in which problems are cut into strata, the number of reasoning steps among them.
--
-- Grain: one row per (scheme, problem). Scheme n_steps is always there, from `problems`.
--
-- Columns:
--   level    the stratum, as text
--   run_id   the run that the stratum was read off, NULL where it was not: strata cut from the
--            tested baseline invent effects
CREATE OR REPLACE VIEW problem_strata AS
SELECT scheme, problem_id, level, source, run_id
FROM strata
UNION ALL
SELECT 'n_steps', p.problem_id, CAST(p.n_steps AS VARCHAR), p.source, NULL
FROM problems AS p
WHERE p.n_steps IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM strata AS s WHERE s.scheme = 'n_steps' AND s.problem_id = p.problem_id
    );
