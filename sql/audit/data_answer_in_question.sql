-- Which questions print their own gold answer, as a number of its own?
--
-- Grain: one row per problem of a set.
SELECT s.set_name, p.problem_id, p.question, p.answer
FROM problem_sets AS s
JOIN problems AS p USING (problem_id)
WHERE list_contains(
    regexp_extract_all(replace(p.question, ',', ''), '[0-9]+(?:\.[0-9]+)?'), p.answer
)
ORDER BY s.set_name, p.problem_id;
