-- Does the model move towards the right answer where accuracy does not show it?
--
-- Grain: one row per (steered condition, seed) of a set; the baseline at its seed 0.
--
-- Parameters:
--   $set_name VARCHAR = primary: problem set
-- Columns (natural logarithms):
--   median_shift      of log p(gold) against the baseline, over problems
--   n, n_up, n_down   problems with both known, that moved up, that moved down
--   p                 exact sign test of n_up against n_down
--   stop, p_anytime   why a sequential plan ended it (see `stops`); p is NULL there, and this holds
WITH
members AS (
    SELECT k.problem_no
    FROM problem_sets AS s
    JOIN problem_keys AS k USING (problem_id)
    WHERE s.set_name = $set_name
),
shifts AS (
    SELECT o.condition_no, o.seed, o.gold_logprob - b.gold_logprob AS shift
    FROM outcome_rows AS o
    JOIN members USING (problem_no)
    JOIN condition_details AS c ON c.condition_no = o.condition_no AND c.direction_id IS NOT NULL
    JOIN outcome_rows AS b
        ON b.condition_no = c.baseline_no AND b.problem_no = o.problem_no AND b.seed = 0
    WHERE shift IS NOT NULL
)
SELECT
    c.model, c.protocol, c.direction, c.alpha, s.seed, count(*) AS n,
    median(s.shift) AS median_shift,
    count(*) FILTER (s.shift > 0) AS n_up,
    count(*) FILTER (s.shift < 0) AS n_down,
    CASE WHEN e.stop IS NULL THEN mcnemar_exact(n_up, n_down) END AS p,
    e.stop,
    CASE WHEN e.stop IS NOT NULL THEN anytime_p(n_up, n_down) END AS p_anytime,
    c.condition_id
FROM shifts AS s
JOIN condition_details AS c USING (condition_no)
LEFT JOIN stops AS e ON e.condition_id = c.condition_id AND e.set_name = $set_name
GROUP BY c.model, c.protocol, c.direction, c.alpha, s.seed, c.condition_id, e.stop
ORDER BY c.model, c.protocol, c.direction, c.alpha, s.seed, c.condition_id;
