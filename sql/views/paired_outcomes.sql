-- Every steered outcome beside the baseline outcome of the same problem.
--
-- Grain: one row per (steered condition, problem, seed), whether or not a baseline was collected.
-- The baseline has the same model, protocol (name and fields), decoding and dtype, and the same
-- seed where it was run with it, else seed 0.
--
-- Columns:
--   readable_right, baseline_readable_right   the primary outcome: false where no answer could be
--                               read, NULL where it is missing (see status, baseline_status)
--   gained, lost                of the primary outcome: not right to right, right to not right; NULL
--                               where either is missing
--   correct, baseline_correct   complete cases: NULL where no answer was read as well
--   margin                      smallest top-2 logit margin of the steered decode, in logits
--   fragile, baseline_fragile   margin within the numerical noise of the batch gate
CREATE OR REPLACE VIEW paired_outcomes AS
SELECT
    c.condition_id, c.model, c.protocol, c.decoding, c.dtype, c.direction, c.direction_id, c.kind,
    c.role, c.site, c.schedule, c.operator, c.effect, c.alpha,
    k.problem_id, o.seed, p.n_steps,
    readable_right(o.correct, o.status) AS readable_right,
    b.readable_right AS baseline_readable_right,
    -- false < true, and a comparison with NULL is NULL: a pair needs both outcomes.
    readable_right(o.correct, o.status) > b.readable_right AS gained,
    readable_right(o.correct, o.status) < b.readable_right AS lost,
    o.correct, b.correct AS baseline_correct, o.status, b.status AS baseline_status,
    o.margin, o.fragile, b.fragile AS baseline_fragile
FROM outcome_rows AS o
JOIN condition_details AS c ON c.condition_no = o.condition_no AND c.direction_id IS NOT NULL
JOIN problem_keys AS k ON k.problem_no = o.problem_no
LEFT JOIN problems AS p ON p.problem_id = k.problem_id
LEFT JOIN baseline_rows AS b
    ON b.condition_no = c.baseline_no AND b.problem_no = o.problem_no AND b.seed = o.seed;
