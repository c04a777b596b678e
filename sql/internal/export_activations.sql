-- A model's activations of the labelled problems of a set, at the first protocol and site by name.
--
-- Grain: one row per (problem, position).
--
-- Columns:
--   protocol, site   of which they are
--   label            whether the model's baseline solved the problem
--
-- Parameters:
--   $model VARCHAR = NULL: id of the model
--   $train VARCHAR = train: the set
SELECT a.problem_id, a.protocol, a.site, s.label, a.values
FROM activations AS a
JOIN problem_sets AS s ON s.problem_id = a.problem_id AND s.set_name = $train
WHERE s.label IS NOT NULL
    AND a.model_id = $model
    AND (a.protocol, a.site) = (
        SELECT (protocol, site) FROM activations WHERE model_id = $model ORDER BY ALL LIMIT 1
    )
ORDER BY a.problem_id, a.position;
