-- Every direction: what it is, where it came from and what has been collected with it.
--
-- Grain: one row per direction.
--
-- Columns:
--   parent               name of the candidate that a control is matched to
--   norm                 Euclidean norm over all positions
--   n_conditions, alphas what was collected with it (conditions known to the store)
CREATE OR REPLACE VIEW directions_overview AS
WITH
collected AS (
    SELECT
        direction_id, count(*) AS n_conditions, list(DISTINCT alpha ORDER BY alpha) AS alphas
    FROM conditions
    WHERE direction_id IS NOT NULL
    GROUP BY direction_id
)
SELECT
    d.direction_id, d.name, d.kind, d.role, d.site, d.norm, len(d.norm_by_position) AS n_positions,
    p.name AS parent, d.created_at, coalesce(c.n_conditions, 0) AS n_conditions, c.alphas
FROM named_directions AS d
LEFT JOIN named_directions AS p ON p.direction_id = d.parent_id
LEFT JOIN collected AS c ON c.direction_id = d.direction_id
ORDER BY d.role, d.name;
