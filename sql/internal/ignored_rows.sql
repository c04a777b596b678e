-- How many rows were left out because another shard holds the same ones?
--
-- Grain: one row per store.
--
-- Columns: n_rows   0 where every row was the only one of its key.
SELECT CAST(coalesce(sum(rows_ignored), 0) AS BIGINT) AS n_rows
FROM shards;
