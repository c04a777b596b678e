-- Which problems of a set have no stratum in a scheme that cuts others of it?
--
-- Grain: one row per (set, scheme, problem).
--
-- Parameters:
--   $with_level BOOLEAN = false: problems that have one as well
-- Columns:
--   right_      the label, or the outcome at a baseline where there is no label
--   has_level   whether the problem has a stratum; `unknown` is none
WITH
levels AS (
    SELECT s.set_name, t.scheme, t.problem_id
    FROM problem_strata AS t
    JOIN problem_sets AS s USING (problem_id)
    WHERE lower(trim(t.level)) NOT IN ('', 'unknown', 'none', 'null', 'nan', 'na', 'n/a')
),
schemes AS (
    SELECT DISTINCT s.set_name, t.scheme
    FROM problem_strata AS t
    JOIN problem_sets AS s USING (problem_id)
),
outcomes_at_0 AS (
    SELECT k.problem_id, bool_or(b.readable_right) AS right_
    FROM baseline_rows AS b
    JOIN problem_keys AS k USING (problem_no)
    WHERE b.own_seed
    GROUP BY k.problem_id
)
SELECT
    s.set_name, c.scheme, s.problem_id, coalesce(s.label, b.right_) AS right_,
    l.problem_id IS NOT NULL AS has_level
FROM schemes AS c
JOIN problem_sets AS s USING (set_name)
LEFT JOIN levels AS l
    ON l.set_name = c.set_name AND l.scheme = c.scheme AND l.problem_id = s.problem_id
LEFT JOIN outcomes_at_0 AS b ON b.problem_id = s.problem_id
WHERE coalesce(s.label, b.right_) IS NOT NULL AND ($with_level OR l.problem_id IS NULL)
ORDER BY s.set_name, c.scheme, s.problem_id;
