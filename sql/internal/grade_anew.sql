-- Grade outcomes of a copy in memory as the rows of `graded` say, a table that is registered.
--
-- Grain: one row per call: how many outcomes were graded anew.
UPDATE outcome_rows SET status = g.status, correct = g.correct
FROM graded AS g
JOIN condition_keys AS c ON c.condition_id = g.condition_id
JOIN problem_keys AS p ON p.problem_id = g.problem_id
WHERE outcome_rows.condition_no = c.condition_no
    AND outcome_rows.problem_no = p.problem_no
    AND outcome_rows.seed = g.seed;
