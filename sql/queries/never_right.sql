-- Which problems are right under no condition at all? Beyond the model, whatever the direction.
--
-- Grain: one row per (model, problem) of a set.
--
-- Parameters:
--   $set_name VARCHAR = primary: problem set
-- Columns:
--   n_conditions   conditions without a missing outcome, the baseline among them; an answer that
--                  cannot be read is not right
SELECT
    c.model, o.problem_id, p.question, p.answer, p.n_steps,
    count(DISTINCT o.condition_id) AS n_conditions
FROM outcomes AS o
JOIN condition_details AS c USING (condition_id)
JOIN problem_sets AS s ON s.problem_id = o.problem_id AND s.set_name = $set_name
JOIN problems AS p ON p.problem_id = o.problem_id
WHERE readable_right(o.correct, o.status) IS NOT NULL
GROUP BY c.model, o.problem_id, p.question, p.answer, p.n_steps
HAVING NOT bool_or(readable_right(o.correct, o.status))
ORDER BY c.model, p.n_steps, o.problem_id;
