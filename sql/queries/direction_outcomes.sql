-- What every steered condition did to each problem, seeds averaged: candidates beside controls.
--
-- Grain: one row per (steered condition, set, problem). The primary estimand is that
-- of `readable_right`: an answer that cannot be read is not right.
--
-- Columns:
--   condition_no, problem_no   numbers in this file, as in `condition_details`
--   n_seeds, seeds             how many outcomes, and a digest of which seeds they have
--   accuracy                   share of right outcomes, of those whose seed has one at the baseline too
--                              (of all where none has); NULL where none is known
--   low, high                  that share where none, and where each, of the outcomes without a
--                              verdict is right
--   baseline                   the same share at the baseline, over the same seeds; NULL where outcomes
--                              are known on both sides, but of no seed in common
WITH
-- Each outcome beside its baseline, and what is known of both.
paired AS (
    SELECT
        o.condition_no, o.problem_no, o.seed, o.correct,
        readable_right(o.correct, o.status) AS readable_right,
        readable_right(b.correct, b.status) AS baseline
    FROM outcome_rows AS o
    JOIN condition_details AS c ON c.condition_no = o.condition_no AND c.direction_id IS NOT NULL
    LEFT JOIN baseline_rows AS b
        ON b.condition_no = c.baseline_no AND b.problem_no = o.problem_no AND b.seed = o.seed
)
SELECT
    p.condition_no, s.set_name, p.problem_no, count(*) AS n_seeds, bit_xor(hash(p.seed)) AS seeds,
    coalesce(
        avg(CAST(p.readable_right AS INTEGER)) FILTER (p.baseline IS NOT NULL),
        avg(CAST(p.readable_right AS INTEGER))
    ) AS accuracy,
    avg(CAST(coalesce(p.correct, false) AS INTEGER)) AS low,
    avg(CAST(coalesce(p.correct, true) AS INTEGER)) AS high,
    coalesce(
        avg(CAST(p.baseline AS INTEGER)) FILTER (p.readable_right IS NOT NULL),
        CASE WHEN count(p.readable_right) = 0 THEN avg(CAST(p.baseline AS INTEGER)) END
    ) AS baseline
FROM paired AS p
JOIN problem_keys AS k USING (problem_no)
LEFT JOIN problem_sets AS s USING (problem_id)
GROUP BY p.condition_no, s.set_name, p.problem_no
ORDER BY p.condition_no, s.set_name, p.problem_no;
