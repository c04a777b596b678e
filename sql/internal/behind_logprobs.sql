-- The rows behind the log-probability of the gold answer, on one problem set under one protocol.
--
-- Grain: one row per (condition of a direction, problem, seed) with one on both sides.
--
-- Columns (natural logarithms):
--   steered, baseline   of the gold answer with its end of text
--
-- Parameters:
--   $model VARCHAR = NULL: name of the model
--   $protocol VARCHAR = NULL: name of the protocol; its fields enter by the baseline
--   $decoding VARCHAR = NULL: as the condition has it, JSON
--   $dtype VARCHAR = NULL: arithmetic of the model
--   $set_name VARCHAR = NULL: the problem set; NULL for problems of none
--   $baseline_id VARCHAR = NULL: the condition that the steered ones are paired with
SELECT
    c.direction, c.alpha, k.problem_id, o.seed, b.gold_logprob AS baseline,
    o.gold_logprob AS steered, c.site, c.schedule, c.operator, c.effect
FROM outcome_rows AS o
JOIN condition_details AS c ON c.condition_no = o.condition_no
JOIN baseline_rows AS b
    ON b.condition_no = c.baseline_no AND b.problem_no = o.problem_no AND b.seed = o.seed
JOIN problem_keys AS k ON k.problem_no = o.problem_no
LEFT JOIN problem_sets AS s ON s.problem_id = k.problem_id
WHERE c.model = $model
    AND c.protocol = $protocol
    AND c.decoding IS NOT DISTINCT FROM $decoding
    AND c.dtype = $dtype
    AND s.set_name IS NOT DISTINCT FROM $set_name
    AND c.baseline_id = $baseline_id
    AND c.role = 'candidate'
    AND o.gold_logprob IS NOT NULL
    AND b.gold_logprob IS NOT NULL
ORDER BY c.direction, c.alpha, k.problem_id, o.seed;
