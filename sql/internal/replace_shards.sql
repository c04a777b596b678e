-- Enter a compacted shard in the place of those whose rows it holds.
--
-- Grain: one row per compacted shard: how many shards it replaced.
--
-- Parameters:
--   $shard VARCHAR = NULL: id of the compacted shard
--   $parts VARCHAR = NULL: ids of the shards that it replaces, which may be compacted ones
--   $table VARCHAR = outcomes: the table
UPDATE shards
SET replaced_by = $shard
WHERE list_contains($parts::VARCHAR[], coalesce(replaced_by, shard_id)) AND table_name = $table;
