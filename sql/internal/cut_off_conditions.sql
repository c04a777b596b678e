-- Of which conditions more than a share of the answers was cut off before it ended?
--
-- Grain: one row per condition, the one with the largest share first.
--
-- Columns:
--   direction, alpha   NULL and 0: a baseline
--   cut_off, n         outcomes with status truncated, and all
--
-- Parameters:
--   $conditions VARCHAR = NULL: ids of the conditions that are looked at
--   $share DOUBLE = 0.2: what may be cut off
SELECT
    c.direction, c.alpha, count(*) FILTER (o.status = 'truncated') AS cut_off, count(*) AS n
FROM outcome_rows AS o
JOIN condition_details AS c USING (condition_no)
WHERE list_contains($conditions::VARCHAR[], c.condition_id)
GROUP BY c.condition_id, c.direction, c.alpha
HAVING cut_off > $share * n
ORDER BY cut_off / n DESC, c.direction, c.alpha, c.condition_id;
