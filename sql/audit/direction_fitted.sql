-- The candidates that can be fitted again: what on, where, and how many activations there are.
--
-- Grain: one row per candidate whose training set, with labels, has activations where it was fitted.
WITH
named AS (
    SELECT direction_id, name, kind, json_text(fitted_on, '$.set') AS set_name,
        json_text(recipe, '$.fitted_at') AS fitted_at,
        json_text(recipe, '$.protocol') AS protocol
    FROM named_directions
    WHERE role = 'candidate' AND kind LIKE 'mean_difference%'
)
SELECT n.direction_id, n.name AS direction, n.set_name, n.fitted_at, n.protocol,
    count(DISTINCT a.problem_id) AS n
FROM named AS n
JOIN problem_sets AS s ON s.set_name = n.set_name AND s.label IS NOT NULL
JOIN activations AS a
    ON a.problem_id = s.problem_id AND a.site = n.fitted_at
    AND (n.protocol IS NULL OR a.protocol = n.protocol)
GROUP BY ALL
ORDER BY n.name;
