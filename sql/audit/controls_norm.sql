-- Where does a control have another norm than its candidate?
--
-- Grain: one row per control and position.
--
-- Parameters:
--   $tolerance DOUBLE = 0.01: share by which norms may differ
-- Columns:
--   place   the position as gates name it, such as latent[5]
WITH
norms AS (
    SELECT
        c.direction_id, c.name AS control, d.name AS candidate, d.direction_id AS candidate_id,
        d.site, t.position, c.norm_by_position[t.position] AS norm,
        d.norm_by_position[t.position] AS wanted
    FROM named_directions AS c
    JOIN named_directions AS d ON d.direction_id = c.parent_id,
        unnest(range(1, greatest(len(c.norm_by_position), len(d.norm_by_position)) + 1))
            AS t(position)
    WHERE c.role = 'control'
)
SELECT direction_id, control, candidate, candidate_id,
    site || '[' || (position - 1) || ']' AS place, norm, wanted
FROM norms
WHERE norm IS NULL OR wanted IS NULL OR abs(norm - wanted) > $tolerance * wanted
ORDER BY candidate, control, position;
