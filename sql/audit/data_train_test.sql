-- Which test problems, or their templates, are in a training set?
--
-- Grain: one row per problem of a set that is not for training.
--
-- Columns:
--   same_problem   the problem itself; else one that differs in its numbers alone
--   train_set      the first training set that has it
WITH
training AS (
    SELECT s.set_name, p.problem_id, text_template(p.question) AS template
    FROM problem_sets AS s
    JOIN problems AS p USING (problem_id)
    WHERE s.split = 'train'
)
SELECT
    s.set_name, p.problem_id, p.question,
    bool_or(t.problem_id = p.problem_id) AS same_problem, min(t.set_name) AS train_set
FROM problem_sets AS s
JOIN problems AS p USING (problem_id)
JOIN training AS t ON t.template = text_template(p.question) OR t.problem_id = p.problem_id
WHERE s.split <> 'train'
GROUP BY s.set_name, p.problem_id, p.question
ORDER BY s.set_name, same_problem DESC, p.problem_id;
