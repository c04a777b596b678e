-- Outcomes counted before they are spread over sets and strata: the step under every total.
--
-- Grain: one row per (condition, seed, class of problems, baseline_correct, correct), by numbers in
-- this file; baselines are paired with themselves.
--
-- Columns:
--   class_no                    see `problem_classes`
--   baseline_correct, correct   NULL where that outcome is missing
--   n                           outcomes
CREATE OR REPLACE VIEW class_counts AS
SELECT
    o.condition_no, o.seed, k.class_no, b.correct AS baseline_correct, o.correct, count(*) AS n
FROM outcome_rows AS o
JOIN condition_baselines AS c ON c.condition_no = o.condition_no
JOIN problem_classes AS k ON k.problem_no = o.problem_no
LEFT JOIN baseline_rows AS b
    ON b.condition_no = c.baseline_no AND b.problem_no = o.problem_no AND b.seed = o.seed
GROUP BY o.condition_no, o.seed, k.class_no, b.correct, o.correct;
