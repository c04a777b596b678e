-- How many pairs of a pilot change under any direction, at doses of a given size?
--
-- Grain: one row per store; sets, seeds and directions pooled, because a share is estimated and
-- nothing is tested.
--
-- Columns:
--   changed, n   discordant pairs, and all pairs; NULL where there are none
--
-- Parameters:
--   $least DOUBLE = 0: smallest size of a dose
--   $most DOUBLE = 0: largest size of a dose
--   $set_name VARCHAR = NULL: one problem set; NULL for all of them
SELECT CAST(sum(gained + lost) AS BIGINT) AS changed, CAST(sum(n_pairs) AS BIGINT) AS n
FROM discordant
WHERE direction IS NOT NULL
    AND abs(alpha) BETWEEN $least AND $most
    AND ($set_name IS NULL OR set_name = $set_name);
