-- The norm of every candidate at each position, under each protocol that it was run with.
--
-- Grain: one row per (candidate, protocol, site, position).
--
-- Columns:
--   place   the position as gates name it, such as latent[5]
WITH
run_as AS (
    SELECT DISTINCT c.direction_id, c.protocol, coalesce(c.site, d.site) AS site
    FROM conditions AS c
    JOIN directions AS d USING (direction_id)
    WHERE d.role = 'candidate'
)
SELECT
    d.direction_id, d.name AS direction, r.protocol, r.site, t.position - 1 AS position,
    r.site || '[' || (t.position - 1) || ']' AS place, d.norm_by_position[t.position] AS norm
FROM named_directions AS d
JOIN run_as AS r USING (direction_id),
    unnest(range(1, len(d.norm_by_position) + 1)) AS t(position)
WHERE len(d.norm_by_position) > 1
ORDER BY d.name, r.protocol, r.site, position;
