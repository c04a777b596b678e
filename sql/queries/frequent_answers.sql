-- What do steered wrong answers look like? The commonest answers of each condition.
--
-- Grain: one row per (condition, answer), the commonest few.
--
-- Parameters:
--   $direction VARCHAR = NULL: name of a direction, NULL for the candidates and the baseline
--   $most INTEGER = 5: answers shown per condition
-- Columns:
--   n, n_correct   outcomes with this answer, and those right
--   share          n / outcomes of the condition with an answer
WITH
counts AS (
    SELECT condition_id, answer, count(*) AS n, count(*) FILTER (correct) AS n_correct
    FROM outcomes
    WHERE answer IS NOT NULL
    GROUP BY condition_id, answer
)
SELECT
    c.model, c.protocol, c.direction, c.alpha, k.answer, k.n, k.n_correct,
    k.n / sum(k.n) OVER (PARTITION BY k.condition_id) AS share, k.condition_id
FROM counts AS k
JOIN condition_details AS c USING (condition_id)
WHERE c.direction = $direction::VARCHAR
    OR ($direction::VARCHAR IS NULL AND coalesce(c.role, 'candidate') = 'candidate')
QUALIFY row_number() OVER (PARTITION BY k.condition_id ORDER BY k.n DESC, k.answer) <= $most
ORDER BY c.model, c.protocol, c.direction NULLS FIRST, c.alpha, c.condition_id, k.n DESC, k.answer;
