-- The pairs that every one of some conditions has on a set: what may be compared with each other.
--
-- Grain: one row per (condition, problem, seed), only problems and seeds at which none of the
-- conditions, nor the baseline, has a missing outcome.
--
-- Columns:
--   gained, lost   by the primary estimand, see `paired_outcomes`
--
-- Parameters:
--   $conditions VARCHAR = NULL: their ids, a list without doubles
--   $set_name VARCHAR = NULL: the problem set; NULL for problems of none
SELECT x.condition_id, x.problem_id, x.seed, x.gained, x.lost
FROM paired_outcomes AS x
LEFT JOIN problem_sets AS s ON s.problem_id = x.problem_id
WHERE list_contains($conditions::VARCHAR[], x.condition_id)
    AND s.set_name IS NOT DISTINCT FROM $set_name
    AND x.gained IS NOT NULL
QUALIFY count(*) OVER (PARTITION BY x.problem_id, x.seed) = len($conditions::VARCHAR[])
ORDER BY x.condition_id, x.problem_id, x.seed;
