-- The activations of the labelled problems of a set, at the first site that activations are of.
--
-- Grain: one row per (problem, position).
--
-- Columns:
--   label   whether the model's baseline solved the problem
--
-- Parameters:
--   $train VARCHAR = train: the set
SELECT a.problem_id, s.label, a.values
FROM activations AS a
JOIN problem_sets AS s ON s.problem_id = a.problem_id AND s.set_name = $train
WHERE s.label IS NOT NULL
    AND (a.model_id, a.protocol, a.site) = (
        SELECT (model_id, protocol, site) FROM activations ORDER BY ALL LIMIT 1
    )
ORDER BY a.problem_id, a.position;
