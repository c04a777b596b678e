-- Which controls were run where their candidate was not: other problems, doses, seeds, protocol?
--
-- Grain: one row per condition of a control and set.
--
-- Columns:
--   n, n_seeds   its outcomes and seeds
WITH
runs AS (
    SELECT a.*
    FROM accuracy_by_alpha AS a
    LEFT JOIN sets_overview AS v USING (set_name)
    WHERE a.direction_id IS NOT NULL AND coalesce(v.split, '') <> 'train'
)
SELECT x.condition_id, x.direction AS control, d.name AS candidate, x.set_name, x.protocol,
    x.dtype, x.alpha, x.n, x.n_seeds
FROM runs AS x
JOIN named_directions AS d ON d.direction_id = x.parent_id
ANTI JOIN runs AS y
    ON y.direction_id = x.parent_id
    AND y.model = x.model
    AND y.baseline_id IS NOT DISTINCT FROM x.baseline_id
    AND y.protocol = x.protocol
    AND y.dtype = x.dtype
    AND y.set_name IS NOT DISTINCT FROM x.set_name
    AND y.site IS NOT DISTINCT FROM x.site
    AND y.schedule IS NOT DISTINCT FROM x.schedule
    AND y.operator IS NOT DISTINCT FROM x.operator
    AND y.effect IS NOT DISTINCT FROM x.effect
    AND abs(y.alpha - x.alpha) < 1e-9
    AND y.n_seeds = x.n_seeds
    AND (y.n = x.n OR y.condition_id IN (SELECT condition_id FROM stops))
WHERE x.role = 'control'
ORDER BY candidate, x.set_name, x.alpha, control;
