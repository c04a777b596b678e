-- Which steered outcomes have no baseline outcome of the same problem beside them?
--
-- Grain: one row per steered condition.
SELECT c.condition_id, c.direction, c.protocol, c.alpha, count(*) AS n,
    count(*) FILTER (b.problem_no IS NULL) AS alone
FROM outcome_rows AS o
JOIN condition_details AS c ON c.condition_no = o.condition_no AND c.direction_id IS NOT NULL
LEFT JOIN baseline_rows AS b
    ON b.condition_no = c.baseline_no AND b.problem_no = o.problem_no AND b.seed = o.seed
GROUP BY ALL
HAVING alone > 0
ORDER BY alone DESC, c.direction, c.alpha;
