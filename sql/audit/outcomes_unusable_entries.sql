-- Which imported files have entries that could not be used?
--
-- Grain: one row per import.
--
-- Columns:
--   entries, unusable   what was read of the file, and what did not fit
SELECT run_id, command, TRY_CAST(json_text(gates, '$.entries') AS BIGINT) AS entries,
    TRY_CAST(json_text(gates, '$.unusable') AS BIGINT) AS unusable
FROM runs
WHERE TRY_CAST(json_text(gates, '$.unusable') AS BIGINT) > 0
ORDER BY command, run_id;
