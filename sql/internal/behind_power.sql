-- The rows behind the power of the paired test: what share of the pairs is discordant.
--
-- Grain: one row per (candidate condition, set), seeds pooled.
SELECT set_name, direction, alpha, n_pairs, gained, lost
FROM accuracy_by_alpha
WHERE role = 'candidate'
ORDER BY set_name, direction, alpha;
