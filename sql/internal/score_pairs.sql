-- Every score under a steered condition, beside the baseline's.
--
-- Grain: one row per (steered condition, set, score, problem, seed) with a row on both sides; the
-- baseline's is that of the same seed, else of seed 0.
--
-- Columns:
--   name                what was scored
--   steered, baseline   NULL where it could not be scored
SELECT
    c.condition_id, t.set_name, s.name, s.problem_id, s.seed, s.value AS steered,
    CASE WHEN b.condition_id IS NOT NULL THEN b.value ELSE z.value END AS baseline
FROM scores AS s
JOIN condition_details AS c ON c.condition_id = s.condition_id AND c.direction_id IS NOT NULL
LEFT JOIN scores AS b
    ON b.condition_id = c.baseline_id AND b.problem_id = s.problem_id AND b.name = s.name
    AND b.seed = s.seed
LEFT JOIN scores AS z
    ON z.condition_id = c.baseline_id AND z.problem_id = s.problem_id AND z.name = s.name
    AND z.seed = 0
LEFT JOIN problem_sets AS t ON t.problem_id = s.problem_id
WHERE b.condition_id IS NOT NULL OR z.condition_id IS NOT NULL
ORDER BY c.condition_id, t.set_name, s.name, s.problem_id, s.seed;
