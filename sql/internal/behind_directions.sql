-- The candidate directions, with what was collected with each.
--
-- Grain: one row per candidate direction.
--
-- Columns: as in `directions_overview`; parent, which only a control has, is left out.
SELECT * EXCLUDE (parent)
FROM directions_overview
WHERE role = 'candidate'
ORDER BY name;
