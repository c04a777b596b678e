-- Which candidates were fitted at one site and added at another?
--
-- Grain: one row per candidate and site where it is, or would be, added.
--
-- Parameters:
--   $same BOOLEAN = false: those fitted where they are added as well
SELECT DISTINCT
    d.direction_id, d.name AS direction, json_text(d.recipe, '$.fitted_at') AS fitted_at,
    coalesce(c.site, d.site) AS added_at
FROM named_directions AS d
LEFT JOIN conditions AS c USING (direction_id)
WHERE d.role = 'candidate' AND fitted_at IS NOT NULL AND ($same OR fitted_at <> added_at)
ORDER BY d.name, added_at;
