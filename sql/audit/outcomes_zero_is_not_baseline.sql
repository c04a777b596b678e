-- Where does a direction that adds nothing (dose 0) answer otherwise than the baseline?
--
-- Grain: one row per outcome at dose 0.
SELECT c.condition_id, c.direction, k.problem_id, o.seed, o.status, o.answer,
    b.status AS baseline_status, b.answer AS baseline_answer
FROM condition_details AS c
JOIN outcome_rows AS o ON o.condition_no = c.condition_no
JOIN problem_keys AS k ON k.problem_no = o.problem_no
JOIN outcome_rows AS b
    ON b.condition_no = c.baseline_no AND b.problem_no = o.problem_no AND b.seed = o.seed
WHERE c.direction_id IS NOT NULL AND c.alpha = 0
    AND coalesce(c.operator, 'add') IN ('add', 'norm_preserving_add')
    AND (
        o.status <> b.status OR o.answer IS DISTINCT FROM b.answer
        OR o.correct IS DISTINCT FROM b.correct
    )
ORDER BY c.direction, k.problem_id, o.seed;
