-- Which direction is exported, and under which protocol? The first by name that is asked for.
--
-- Grain: one row per export: the direction, and none where nothing was collected with it.
--
-- Parameters:
--   $direction VARCHAR = NULL: its name; NULL for any candidate
--   $protocol VARCHAR = NULL: name of a protocol; NULL for any
SELECT direction_id, direction, protocol
FROM condition_details
WHERE direction_id IS NOT NULL
    AND (direction = $direction OR ($direction IS NULL AND role = 'candidate'))
    AND ($protocol IS NULL OR protocol = $protocol)
ORDER BY direction, protocol
LIMIT 1;
