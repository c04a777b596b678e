-- One named fact about the results file, such as the hash of its views.
--
-- Grain: one row per fact of that name: none, or one.
--
-- Parameters:
--   $name VARCHAR = definitions: its name
SELECT value
FROM store_info
WHERE name = $name;
