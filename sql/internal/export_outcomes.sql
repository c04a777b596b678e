-- The outcomes that the report's files hold: baseline, a direction and its controls, at seed 0.
--
-- Grain: one row per (condition, problem); of several conditions that apply a direction at one
-- dose, the one with the smallest id.
--
-- Columns:
--   answer, gold       what the model answered, and what is right
--   direction, role    NULL for a baseline
--
-- Parameters:
--   $direction VARCHAR = NULL: id of the direction that is exported
--   $protocol VARCHAR = NULL: name of the protocol it was run under
--   $set_name VARCHAR = primary: the problem set
SELECT
    o.problem_id, o.answer, o.correct, o.status, o.text, p.answer AS gold, c.alpha, c.role,
    c.direction, c.direction_id
FROM outcomes AS o
JOIN condition_details AS c USING (condition_id)
JOIN problems AS p USING (problem_id)
JOIN problem_sets AS s ON s.problem_id = o.problem_id AND s.set_name = $set_name
WHERE o.seed = 0
    AND c.protocol = $protocol
    AND (c.direction_id IS NULL OR c.direction_id = $direction OR c.parent_id = $direction)
    AND (c.direction_id IS NULL OR c.condition_id = (
        SELECT min(same.condition_id)
        FROM condition_details AS same
        WHERE same.direction_id = c.direction_id
            AND same.alpha = c.alpha
            AND same.protocol = c.protocol
    ))
ORDER BY c.alpha, c.direction, o.problem_id;
