-- When was a direction first steered with? What was planned later is exploratory.
--
-- Grain: one row per direction (name) that outcomes were collected with.
--
-- Runs are counted, not outcomes: a run begins before its outcomes, so this errs on the safe side.
--
-- Columns:
--   seen   when the first such run began, UTC
SELECT d.name AS direction, min(r.created_at) AS seen
FROM (SELECT DISTINCT condition_no, run_no FROM outcome_rows) AS o
JOIN condition_keys AS ck USING (condition_no)
JOIN conditions AS c USING (condition_id)
JOIN directions AS d USING (direction_id)
JOIN run_keys AS k USING (run_no)
JOIN runs AS r USING (run_id)
GROUP BY d.name;
