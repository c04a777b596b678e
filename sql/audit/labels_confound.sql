-- What do right and wrong problems of a training set differ in besides being right?
--
-- Grain: one row per labelled problem of a training set.
--
-- Columns:
--   length       words of the question
--   steps        steps of reasoning
--   magnitude    logarithm of 1 + the size of the answer
--   operations   different operations that its attributes name
SELECT
    s.set_name, s.problem_id, s.label,
    len(string_split(trim(p.question), ' ')) AS length,
    p.n_steps AS steps,
    ln(1 + abs(TRY_CAST(p.answer AS DOUBLE))) AS magnitude,
    len(list_distinct(string_split(json_text(p.attributes, '$.operations'), ''))) AS operations
FROM problem_sets AS s
JOIN problems AS p USING (problem_id)
WHERE s.split = 'train' AND s.label IS NOT NULL
ORDER BY s.set_name, s.problem_id;
