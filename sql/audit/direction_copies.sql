-- Directions by name: which of them are one and the same.
--
-- Grain: one row per direction.
--
-- Parameters:
--   $ids VARCHAR = NULL: ids of directions, a list
SELECT direction_id, name AS direction, kind, role, site, norm
FROM named_directions
WHERE list_contains($ids::VARCHAR[], direction_id)
ORDER BY role, name;
