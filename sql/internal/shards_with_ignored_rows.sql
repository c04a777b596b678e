-- The shards of a table of which some rows are not in the results file.
--
-- Grain: one row per shard, a compacted one for those whose place it took; in order of their ids.
--
-- Parameters:
--   $table VARCHAR = outcomes: the table
SELECT DISTINCT coalesce(replaced_by, shard_id) AS shard_id
FROM shards
WHERE table_name = $table AND rows_ignored > 0
ORDER BY shard_id;
