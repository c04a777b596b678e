-- Which problems does a second decode without steering answer otherwise?
--
-- Grain: one row per (model, protocol, problem) that was decoded more than once.
--
-- Parameters:
--   $agreeing BOOLEAN = false: problems whose decodes agree as well
-- Columns:
--   decodes, right_   how many decodes have an outcome, and how many of these are right
SELECT
    c.model, c.protocol, k.problem_id, min(s.set_name) AS set_name,
    count(DISTINCT (c.condition_id, b.seed)) AS decodes,
    count(DISTINCT (c.condition_id, b.seed)) FILTER (b.readable_right) AS right_
FROM baseline_rows AS b
JOIN condition_details AS c ON c.condition_no = b.condition_no AND c.direction_id IS NULL
JOIN problem_keys AS k ON k.problem_no = b.problem_no
LEFT JOIN problem_sets AS s ON s.problem_id = k.problem_id AND s.split <> 'train'
WHERE b.own_seed AND b.readable_right IS NOT NULL
GROUP BY c.model, c.protocol, k.problem_id
HAVING decodes > 1 AND ($agreeing OR right_ NOT IN (0, decodes))
ORDER BY c.model, c.protocol, k.problem_id;
