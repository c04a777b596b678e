-- Which conditions have answers that ran into the token limit?
--
-- Grain: one row per condition.
--
-- Parameters:
--   $share DOUBLE = 0.05: the share of its outcomes from which on it is listed
SELECT c.condition_id, c.direction, c.role, c.protocol, c.alpha, count(*) AS n,
    count(*) FILTER (o.status = 'truncated') AS truncated
FROM outcome_rows AS o
JOIN condition_details AS c USING (condition_no)
GROUP BY ALL
HAVING truncated >= $share * n
ORDER BY truncated / n DESC, c.direction, c.alpha;
