-- The number of the next shard that is entered, from 1.
--
-- Grain: one row per store.
SELECT coalesce(max(shard_no), 0) + 1 AS shard_no
FROM shards;
