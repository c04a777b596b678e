-- What the parameters of named queries may be: the directions, sets and schemes that the store has.
--
-- Grain: one row per (parameter, value).
--
-- Columns:
--   parameter   name of the parameter, as the named queries spell it
--   value       a value that has rows
SELECT 'direction' AS parameter, name AS value
FROM directions
UNION
SELECT 'scheme' AS parameter, scheme AS value
FROM problem_strata
UNION
SELECT 'set_name' AS parameter, set_name AS value
FROM problem_sets
ORDER BY parameter, value;
