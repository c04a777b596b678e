-- The rows behind continuous outcomes, on one problem set under one protocol.
--
-- Grain: one row per (condition of a direction, score, problem, seed) with a row on both sides.
--
-- Columns:
--   baseline, steered   NULL where it could not be scored
--
-- Parameters:
--   $model VARCHAR = NULL: name of the model
--   $protocol VARCHAR = NULL: name of the protocol; its fields enter by the baseline
--   $decoding VARCHAR = NULL: as the condition has it, JSON
--   $dtype VARCHAR = NULL: arithmetic of the model
--   $set_name VARCHAR = NULL: the problem set; NULL for problems of none
--   $baseline_id VARCHAR = NULL: the condition that the steered ones are paired with
SELECT
    c.direction, c.alpha, s.name AS score, s.problem_id, s.seed, b.value AS baseline,
    s.value AS steered
FROM scores AS s
JOIN condition_details AS c ON c.condition_id = s.condition_id
JOIN scores AS b
    ON b.condition_id = c.baseline_id AND b.problem_id = s.problem_id AND b.name = s.name
    AND b.seed IN (s.seed, 0)
LEFT JOIN problem_sets AS t ON t.problem_id = s.problem_id
WHERE c.model = $model
    AND c.protocol = $protocol
    AND c.decoding IS NOT DISTINCT FROM $decoding
    AND c.dtype = $dtype
    AND t.set_name IS NOT DISTINCT FROM $set_name
    AND c.baseline_id = $baseline_id
    AND c.role = 'candidate'
-- The baseline of the same seed, else that of seed 0.
QUALIFY row_number() OVER (
    PARTITION BY s.condition_id, s.name, s.problem_id, s.seed ORDER BY b.seed = s.seed DESC
) = 1
ORDER BY c.direction, c.alpha, s.name, s.problem_id, s.seed;
