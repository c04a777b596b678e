-- Keep one named fact about the results file, in place of the former one of that name.
--
-- Grain: one row per fact that was written: one.
--
-- Parameters:
--   $name VARCHAR = definitions: its name
--   $value VARCHAR = NULL: what is kept
MERGE INTO store_info
USING (SELECT $name AS name, $value AS value) AS new
USING (name)
WHEN MATCHED THEN UPDATE
WHEN NOT MATCHED THEN INSERT;
