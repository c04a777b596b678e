-- The rows behind the relative size of a dose: the norms of the latents that nothing was added to.
--
-- Grain: one row per (baseline condition, position).
--
-- Columns: mean_before   mean norm over problems and seeds.
SELECT model, protocol, dtype, position, mean_before
FROM norms_by_position
WHERE direction IS NULL
ORDER BY model, protocol, dtype, position;
