-- The rows behind the norms of the candidate directions.
--
-- Grain: one row per candidate direction.
--
-- Columns: norm, norm_by_position   Euclidean, over all positions and at each.
SELECT name, norm, norm_by_position
FROM named_directions
WHERE role = 'candidate'
ORDER BY name;
