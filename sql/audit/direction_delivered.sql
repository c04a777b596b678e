-- Where was a direction not added, or not at every position that it has?
--
-- Grain: one row per condition that adds a direction at a dose.
--
-- Columns:
--   n, short        outcomes with norms, and those with fewer positions than the direction
--   not_moved       outcomes of which a position with a push kept its norm to the last digit
WITH
steered AS (
    SELECT
        c.condition_id, d.name AS direction, c.alpha,
        len(d.norm_by_position) AS positions, len(o.norm_before) AS recorded,
        list_max(list_transform(range(1, len(o.norm_before) + 1), lambda t:
            abs(o.norm_after[t] - o.norm_before[t]) <= 1e-7 * o.norm_before[t]
            AND abs(c.alpha) * d.norm_by_position[least(t, len(d.norm_by_position))]
                > 0.01 * o.norm_before[t]
        )) AS still
    FROM outcome_rows AS o
    JOIN condition_keys AS k USING (condition_no)
    JOIN conditions AS c USING (condition_id)
    JOIN named_directions AS d USING (direction_id)
    WHERE c.operator = 'add' AND c.alpha <> 0 AND len(o.norm_before) > 0
        AND coalesce(c.schedule, 'uniform') = 'uniform' AND len(d.norm_by_position) > 0
        AND position(',' IN coalesce(c.site, d.site)) = 0
)
SELECT
    condition_id, direction, alpha, count(*) AS n,
    count(*) FILTER (positions > 1 AND recorded < positions) AS short,
    count(*) FILTER (still) AS not_moved
FROM steered
GROUP BY ALL
HAVING short > 0 OR not_moved > 0
ORDER BY direction, alpha, condition_id;
