-- Every direction as one vector, its positions one after another.
--
-- Grain: one row per direction that has vectors.
SELECT d.direction_id, d.name AS direction, d.role, d.site,
    flatten(list(v.values ORDER BY v.position)) AS values_
FROM named_directions AS d
JOIN direction_vectors AS v USING (direction_id)
GROUP BY ALL
ORDER BY d.role, d.name, d.direction_id;
