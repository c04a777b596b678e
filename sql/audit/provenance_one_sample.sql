-- Which sampled conditions have one draw of each problem?
--
-- Grain: one row per condition.
SELECT c.condition_id, c.direction, c.protocol, c.alpha, p.temperature, count(*) AS n,
    count(DISTINCT o.seed) AS seeds
FROM outcome_rows AS o
JOIN condition_details AS c USING (condition_no)
JOIN condition_protocols AS p ON p.condition_id = c.condition_id
WHERE coalesce(p.temperature, 0) > 0 OR p.mode = 'sample'
GROUP BY ALL
HAVING seeds = 1
ORDER BY c.direction, c.alpha;
