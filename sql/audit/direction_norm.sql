-- Which directions have no norm, or one that is far from that of their kind?
--
-- Grain: one row per direction.
--
-- Columns:
--   typical   the median norm of directions of the same kind, role and candidate
WITH
norms AS (
    SELECT direction_id, name AS direction, kind, role, norm,
        median(norm) OVER same AS typical, count(*) OVER same AS alike
    FROM named_directions
    WHERE EXISTS (SELECT 1 FROM direction_vectors AS v WHERE v.direction_id = named_directions.direction_id)
        OR norm IS NOT NULL
    WINDOW same AS (PARTITION BY kind, role, coalesce(parent_id, direction_id))
)
SELECT direction_id, direction, kind, role, norm, typical
FROM norms
WHERE norm IS NULL OR isnan(norm) OR norm = 0
    OR (alike > 2 AND (norm > 10 * typical OR norm < typical / 10))
ORDER BY role, direction;
