-- The shards whose rows are in the results file, those that a compacted one replaced left out.
--
-- Grain: one row per shard.
SELECT shard_id
FROM shards
WHERE replaced_by IS NULL
ORDER BY shard_id;
