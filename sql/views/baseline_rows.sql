-- What each problem did at the baseline, for every seed that occurs in the store.
--
-- Grain: one row per (baseline condition, problem, seed), by their numbers in this file. Where the
-- baseline was not run with a seed (a greedy baseline has seed 0 alone), the row repeats its
-- outcome at seed 0.
--
-- Columns:
--   own_seed         false where the row repeats seed 0
--   readable_right   the primary outcome, by the macro: NULL where it is missing (error)
--   correct          NULL where the answer was not read as well (parse_fail, truncated)
CREATE OR REPLACE VIEW baseline_rows AS
WITH
-- Outcomes of conditions without a direction.
own AS (
    SELECT
        o.condition_no, o.problem_no, o.seed, o.run_no,
        readable_right(o.correct, o.status) AS readable_right, o.correct, o.status, o.fragile,
        o.gold_logprob
    FROM outcome_rows AS o
    JOIN condition_baselines AS c USING (condition_no)
    WHERE c.baseline_no = c.condition_no
),
-- Every seed that any condition was run with.
seeds AS (SELECT DISTINCT seed FROM outcome_rows)
SELECT
    condition_no, problem_no, seed, run_no, readable_right, correct, status, fragile,
    gold_logprob, true AS own_seed
FROM own
UNION ALL
-- Seed 0 stands in for the seeds that the baseline lacks.
SELECT
    z.condition_no, z.problem_no, s.seed, z.run_no, z.readable_right, z.correct, z.status,
    z.fragile, z.gold_logprob, false
FROM own AS z
CROSS JOIN seeds AS s
ANTI JOIN own AS o
    ON o.condition_no = z.condition_no AND o.problem_no = z.problem_no AND o.seed = s.seed
WHERE z.seed = 0;
