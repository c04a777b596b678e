-- Which baselines of test sets leave no room, upwards or downwards?
--
-- Grain: one row per baseline and set.
--
-- Parameters:
--   $room DOUBLE = 0.05: the least share that may be right, and wrong
SELECT a.set_name, a.protocol, a.dtype, a.condition_id, a.n, a.n_correct, a.accuracy
FROM accuracy_by_alpha AS a
JOIN sets_overview AS v ON v.set_name = a.set_name AND v.split <> 'train'
WHERE a.direction_id IS NULL AND a.n >= v.n * a.n_seeds
    AND (a.accuracy <= $room OR a.accuracy >= 1 - $room)
    AND a.condition_id IN (SELECT baseline_id FROM condition_details WHERE direction_id IS NOT NULL)
ORDER BY a.set_name, a.protocol;
