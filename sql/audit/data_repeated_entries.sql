-- Which imported files list the same thing twice?
--
-- Grain: one row per import and table.
--
-- Columns:
--   entries    entries of the file
--   repeated   rows that came again and count once
SELECT
    r.run_id, r.command, e.key AS table_name, CAST(e.value AS BIGINT) AS repeated,
    TRY_CAST(json_text(r.gates, '$.entries') AS BIGINT) AS entries
FROM runs AS r,
    json_each(CASE WHEN json_valid(r.gates) THEN r.gates ELSE '{}' END, '$.repeats') AS e
WHERE TRY_CAST(e.value AS BIGINT) > 0 AND e.key IN ('problems', 'problem_sets')
ORDER BY r.created_at, r.run_id, e.key;
