-- The rows behind the norms of the steered latents.
--
-- Grain: one row per (condition, position).
--
-- Columns: as in `norms_by_position`.
SELECT *
FROM norms_by_position
ORDER BY direction, alpha, position, condition_id;
