-- Outcomes that were set aside and that no row stands for now.
--
-- Grain: one row per unit: condition, problem and seed; in their order.
--
-- Parameters:
--   $files VARCHAR = NULL: the Parquet files that hold what was set aside
SELECT DISTINCT condition_id, problem_id, seed
FROM read_parquet($files::VARCHAR[], hive_partitioning = false)
ANTI JOIN outcomes USING (condition_id, problem_id, seed)
ORDER BY ALL;
