-- The log-probability of the gold answer under every steered condition, beside the baseline's.
--
-- Grain: one row per (steered condition, set, problem, seed) with a log-probability on both sides.
--
-- Columns (natural logarithms):
--   steered, baseline   may be infinite or NaN, as they were measured
SELECT
    c.condition_id, s.set_name, o.problem_no, o.seed,
    CAST(o.gold_logprob AS DOUBLE) AS steered, CAST(b.gold_logprob AS DOUBLE) AS baseline
FROM outcome_rows AS o
JOIN condition_details AS c ON c.condition_no = o.condition_no AND c.direction_id IS NOT NULL
JOIN baseline_rows AS b
    ON b.condition_no = c.baseline_no AND b.problem_no = o.problem_no AND b.seed = o.seed
JOIN problem_keys AS k ON k.problem_no = o.problem_no
LEFT JOIN problem_sets AS s ON s.problem_id = k.problem_id
WHERE o.gold_logprob IS NOT NULL AND b.gold_logprob IS NOT NULL
ORDER BY c.condition_id, s.set_name, o.problem_no, o.seed;
