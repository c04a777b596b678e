-- The rows behind pictures of directions: the vectors of the candidates.
--
-- Grain: one row per (candidate direction, position); position counts latents from 0.
SELECT d.name, v.position, v.values
FROM direction_vectors AS v
JOIN named_directions AS d USING (direction_id)
WHERE d.role = 'candidate'
ORDER BY d.name, v.position;
