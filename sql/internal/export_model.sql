-- The model that was steered with a direction, the first by name.
--
-- Grain: one row per export.
--
-- Parameters:
--   $direction VARCHAR = NULL: id of the direction
SELECT min(model) AS model
FROM condition_details
WHERE direction_id = $direction;
