-- The gates of a run, as they were recorded before its first outcome.
--
-- Grain: one row per run.
--
-- Parameters:
--   $run_id VARCHAR = NULL: the run
SELECT run_id, gates
FROM runs
WHERE run_id = $run_id;
