-- When was a direction first steered with? What was planned later is exploratory.
--
-- Grain: one row per direction (name) that outcomes were collected with.
--
-- Runs are counted, not outcomes: a run begins before its outcomes, so this errs on the safe side.
--
-- Columns:
--   seen   when the first such run began, UTC
SELECT c.direction, min(r.created_at) AS seen
FROM (SELECT DISTINCT condition_no, run_no FROM outcome_rows) AS o
JOIN condition_details AS c USING (condition_no)
JOIN run_keys AS k USING (run_no)
JOIN runs AS r USING (run_id)
WHERE c.direction IS NOT NULL
GROUP BY c.direction;
