-- The outcomes that the report's files hold: baseline, a direction and its controls, at seed 0.
--
-- Grain: one row per (condition, problem), all of one setting: the conditions differ in direction
-- and alpha alone. A direction at alpha 0 is left out: the baseline stands there.
--
-- Columns:
--   answer, gold       what the model answered, and what is right
--   direction, role    NULL for a baseline
--
-- Parameters:
--   $condition VARCHAR = NULL: a condition of the direction and the setting
--   $set_name VARCHAR = primary: the problem set
SELECT
    o.problem_id, o.answer, o.correct, o.status, o.text, p.answer AS gold, c.alpha, c.role,
    c.direction, c.direction_id
FROM outcomes AS o
JOIN condition_details AS c USING (condition_id)
JOIN condition_details AS x ON x.condition_id = $condition
JOIN problems AS p USING (problem_id)
JOIN problem_sets AS s ON s.problem_id = o.problem_id AND s.set_name = $set_name
WHERE o.seed = 0
    AND (
        c.condition_id = x.baseline_id
        OR (
            c.alpha != 0
            AND (c.direction_id = x.direction_id OR c.parent_id = x.direction_id)
            AND c.model_id = x.model_id
            AND c.protocol = x.protocol
            AND c.protocol_fields IS NOT DISTINCT FROM x.protocol_fields
            AND c.decoding IS NOT DISTINCT FROM x.decoding
            AND c.dtype = x.dtype
            AND c.site IS NOT DISTINCT FROM x.site
            AND c.schedule IS NOT DISTINCT FROM x.schedule
            AND c.operator IS NOT DISTINCT FROM x.operator
            AND c.effect IS NOT DISTINCT FROM x.effect
        )
    )
ORDER BY c.alpha, c.direction, c.direction_id, o.problem_id;
