-- The vectors of a direction, or those of its controls.
--
-- Grain: one row per (direction, position).
--
-- Parameters:
--   $direction VARCHAR = NULL: id of the direction
--   $controls BOOLEAN = false: its controls instead
SELECT d.direction_id, d.name, v.values
FROM directions AS d
JOIN direction_vectors AS v USING (direction_id)
WHERE $direction = CASE WHEN $controls THEN d.parent_id ELSE d.direction_id END
ORDER BY d.name, d.direction_id, v.position;
