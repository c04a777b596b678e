-- Which conditions gave the very same outputs, although they differ?
--
-- Grain: one row per steered condition that shares all its outputs with another, or with its
-- baseline, problem by problem.
--
-- Parameters:
--   $least BIGINT = 10: outcomes from which on that is no coincidence
-- Columns:
--   digest   of the outputs: the conditions that share it belong together
WITH
outputs AS (
    SELECT
        c.condition_no, c.model_id, c.condition_id, c.direction, c.role, c.protocol, c.dtype,
        c.alpha, count(*) AS n,
        count(*) FILTER (o.tokens IS NOT NULL OR o.text IS NOT NULL OR o.answer IS NOT NULL)
            AS told,
        bit_xor(hash(o.problem_no, o.seed, o.tokens, coalesce(o.text, o.answer), o.status))
            AS digest,
        count(*) FILTER (
            b.problem_no IS NOT NULL AND o.tokens IS NOT DISTINCT FROM b.tokens
            AND o.status = b.status
            AND coalesce(o.text, o.answer) IS NOT DISTINCT FROM coalesce(b.text, b.answer)
        ) AS as_baseline
    FROM outcome_rows AS o
    JOIN condition_details AS c ON c.condition_no = o.condition_no
    LEFT JOIN outcome_rows AS b
        ON b.condition_no = c.baseline_no AND b.problem_no = o.problem_no AND b.seed = o.seed
    WHERE c.direction_id IS NOT NULL AND c.alpha <> 0
    GROUP BY ALL
),
shared AS (
    SELECT *, count(*) OVER (PARTITION BY model_id, protocol, dtype, n, digest) AS alike
    FROM outputs
    WHERE told = n AND n >= $least
)
SELECT condition_id, direction, role, protocol, alpha, n, as_baseline = n AS is_baseline, digest
FROM shared
WHERE alike > 1 OR as_baseline = n
ORDER BY digest, direction, alpha;
