-- Which candidates have too few control directions for a rank to reach its level?
--
-- Grain: one row per candidate and kind of its controls.
--
-- Parameters:
--   $needed BIGINT = 39: controls from which the smallest rank p reaches the level
SELECT d.direction_id, d.name AS candidate, c.kind AS control_kind, count(*) AS k,
    1 / (count(*) + 1) AS smallest_p
FROM directions AS c
JOIN named_directions AS d ON d.direction_id = c.parent_id
WHERE c.role = 'control'
GROUP BY ALL
HAVING count(*) < $needed
ORDER BY d.name, c.kind;
