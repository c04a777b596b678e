-- Problems that share every set and every stratum, under one of them: what makes totals fast.
--
-- Grain: one row per problem with outcomes. Outcomes are counted once per class (`class_counts`)
-- and only the counts are spread over sets and strata.
--
-- Columns:
--   problem_no, class_no   numbers of the problem in this file, and of the first problem with the
--                          same sets and strata
CREATE OR REPLACE VIEW problem_classes AS
WITH
-- Set names of each problem, as one value.
in_sets AS (
    SELECT problem_id, list(set_name ORDER BY set_name) AS sets
    FROM problem_sets
    GROUP BY problem_id
),
-- Strata of each problem, as one value.
in_strata AS (
    SELECT problem_id, list([scheme, level] ORDER BY scheme, level) AS levels
    FROM problem_strata
    GROUP BY problem_id
),
signatures AS (
    SELECT k.problem_no, s.sets, t.levels
    FROM problem_keys AS k
    LEFT JOIN in_sets AS s USING (problem_id)
    LEFT JOIN in_strata AS t USING (problem_id)
),
-- A join on the signature, not a window: the optimiser keeps the range of problem_no through it,
-- and joins outcomes by position instead of by hash.
firsts AS (
    SELECT sets, levels, min(problem_no) AS class_no
    FROM signatures
    GROUP BY sets, levels
)
SELECT s.problem_no, f.class_no
FROM signatures AS s
JOIN firsts AS f
    ON f.sets IS NOT DISTINCT FROM s.sets AND f.levels IS NOT DISTINCT FROM s.levels;
