-- Which imported files list the same thing twice?
--
-- Grain: one row per import and table.
--
-- A file of outcomes may name its problems once for each condition, which repeats nothing: there the
-- outcomes count that came again, and in other files the problems.
--
-- Columns:
--   entries    entries of the file
--   repeated   rows that came again and count once
WITH
-- Imports whose entries are outcomes and name their problems
with_outcomes AS (
    SELECT DISTINCT r.run_id
    FROM runs AS r
    INNER JOIN outcomes AS o USING (run_id)
    WHERE r.command LIKE 'steerstat store import %'
        AND json_text(
            CASE WHEN json_valid(r.gates) THEN r.gates ELSE '{}' END, '$.repeats.problems'
        ) IS NOT NULL
)
SELECT
    r.run_id, r.command, e.key AS table_name, CAST(e.value AS BIGINT) AS repeated,
    TRY_CAST(json_text(r.gates, '$.entries') AS BIGINT) AS entries
FROM runs AS r,
    json_each(CASE WHEN json_valid(r.gates) THEN r.gates ELSE '{}' END, '$.repeats') AS e
WHERE TRY_CAST(e.value AS BIGINT) > 0
    AND CASE
        WHEN r.run_id IN (SELECT run_id FROM with_outcomes) THEN e.key = 'outcomes'
        ELSE e.key IN ('problems', 'problem_sets')
    END
ORDER BY r.created_at, r.run_id, e.key;
