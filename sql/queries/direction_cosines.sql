-- Are two directions the same? Cosine of every pair of directions with equal shape and site.
--
-- Grain: one row per unordered pair of directions.
--
-- Parameters:
--   $role VARCHAR = candidate: role of both directions, NULL for any (many controls: many rows)
-- Columns:
--   cosine       over all positions together
--   n_positions  positions; -1 of a broadcast direction counts as one
WITH
named AS (
    SELECT d.direction_id, d.name, d.site, v.position, v.values
    FROM named_directions AS d
    JOIN direction_vectors AS v USING (direction_id)
    WHERE $role::VARCHAR IS NULL OR d.role = $role::VARCHAR
),
products AS (
    SELECT
        a.name AS direction, b.name AS other, a.site, count(*) AS n_positions,
        list_sum(list(list_inner_product(a.values, b.values) ORDER BY a.position)) AS ab,
        list_sum(list(list_inner_product(a.values, a.values) ORDER BY a.position)) AS aa,
        list_sum(list(list_inner_product(b.values, b.values) ORDER BY a.position)) AS bb
    FROM named AS a
    JOIN named AS b
        ON b.site = a.site AND b.position = a.position AND len(b.values) = len(a.values)
        AND a.name < b.name
    GROUP BY a.name, b.name, a.site
)
SELECT direction, other, site, n_positions, ab / nullif(sqrt(aa) * sqrt(bb), 0) AS cosine
FROM products
ORDER BY abs(cosine) DESC, direction, other;
