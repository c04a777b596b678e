-- How much do seeds disagree? Problems whose outcome changes between seeds of one condition.
--
-- Grain: one row per condition run with two or more seeds.
--
-- Columns:
--   n_problems    problems with an outcome that is not missing under two or more seeds
--   n_disagree    of those, problems right under one seed and wrong or unreadable under another
--   share         n_disagree / n_problems: the floor under every count of gained and lost
WITH
per_problem AS (
    SELECT
        condition_id, problem_id,
        count(*) FILTER (readable_right(correct, status)) AS n_right,
        count(*) FILTER (NOT readable_right(correct, status)) AS n_wrong
    FROM outcomes
    GROUP BY condition_id, problem_id
    HAVING n_right + n_wrong >= 2
)
SELECT
    c.model, c.protocol, c.direction, c.alpha, count(*) AS n_problems,
    count(*) FILTER (p.n_right > 0 AND p.n_wrong > 0) AS n_disagree,
    count(*) FILTER (p.n_right > 0 AND p.n_wrong > 0) / count(*) AS share, c.condition_id
FROM per_problem AS p
JOIN condition_details AS c USING (condition_id)
GROUP BY c.model, c.protocol, c.direction, c.alpha, c.condition_id
ORDER BY share DESC, c.model, c.direction, c.alpha, c.condition_id;
