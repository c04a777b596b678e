-- Which runs does the store have, imports among them, and how many outcomes came with each?
--
-- Grain: one row per run, the oldest first.
--
-- Columns:
--   run_id, created_at, status, command
--   outcomes        outcomes that the run computed or brought
SELECT run_id, created_at, status, command, coalesce(n, 0) AS outcomes
FROM runs
LEFT JOIN (SELECT run_id, count(*) AS n FROM outcomes GROUP BY run_id) USING (run_id)
ORDER BY created_at, run_id;
