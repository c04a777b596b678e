-- The rows behind what is computed problem by problem: curves as a whole, and grids of problems.
--
-- Grain: one row per (candidate condition, problem, seed).
--
-- Columns: as in `paired_outcomes`.
--
-- Parameters:
--   $model VARCHAR = NULL: name of the model
--   $protocol VARCHAR = NULL: name of the protocol; its fields enter by the baseline
--   $decoding VARCHAR = NULL: as the condition has it, JSON
--   $dtype VARCHAR = NULL: arithmetic of the model
--   $set_name VARCHAR = NULL: the problem set; NULL for problems of none
--   $baseline_id VARCHAR = NULL: the condition that the steered ones are paired with
SELECT o.direction, o.alpha, o.problem_id, o.n_steps, o.baseline_readable_right, o.readable_right,
    o.baseline_status, o.status, o.site, o.schedule, o.operator, o.effect
FROM paired_outcomes AS o
JOIN condition_baselines AS c USING (condition_id)
LEFT JOIN problem_sets AS s USING (problem_id)
WHERE o.model = $model
    AND o.protocol = $protocol
    AND o.decoding IS NOT DISTINCT FROM $decoding
    AND o.dtype = $dtype
    AND s.set_name IS NOT DISTINCT FROM $set_name
    AND c.baseline_id = $baseline_id
    AND o.role = 'candidate'
ORDER BY o.direction, o.alpha, o.n_steps, o.problem_id;
