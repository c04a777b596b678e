-- How many outcomes are there, and how many keys could there be, numbers and seeds taken together?
--
-- Grain: one row per store.
--
-- Columns:
--   n_rows, n_new               outcomes, and those of the shards from number $first on
--   n_conditions, n_problems    one more than the largest number; NULL without outcomes
--   first_seed, last_seed       smallest and largest; NULL without outcomes
--
-- Parameters:
--   $first INTEGER = 1: number of the first new shard
SELECT
    count(*) AS n_rows,
    count(*) FILTER (shard_no >= $first) AS n_new,
    max(condition_no) + 1 AS n_conditions,
    max(problem_no) + 1 AS n_problems,
    min(seed) AS first_seed,
    max(seed) AS last_seed
FROM outcome_rows;
