-- Which problems stand twice in a set, letter by letter?
--
-- Grain: one row per problem of a set whose text another problem of the set has.
--
-- Columns:
--   copy   1 for the first of them, which stays
SELECT
    s.set_name, p.problem_id, p.question, p.answer,
    row_number() OVER (PARTITION BY s.set_name, trim(p.question) ORDER BY p.problem_id) AS copy
FROM problem_sets AS s
JOIN problems AS p USING (problem_id)
QUALIFY count(*) OVER (PARTITION BY s.set_name, trim(p.question)) > 1
ORDER BY s.set_name, p.question, copy;
