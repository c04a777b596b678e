-- Which problems of a set are the same but for case, punctuation and spaces?
--
-- Grain: one row per problem of a set.
--
-- Columns:
--   copy   1 for the first of them, which stays
WITH
texts AS (
    SELECT s.set_name, p.problem_id, trim(p.question) AS question, p.answer,
        normalised_text(p.question) AS text
    FROM problem_sets AS s
    JOIN problems AS p USING (problem_id)
)
SELECT
    set_name, problem_id, question, answer,
    row_number() OVER (PARTITION BY set_name, text ORDER BY problem_id) AS copy
FROM texts
WHERE text <> ''
WINDOW same AS (PARTITION BY set_name, text)
QUALIFY min(question) OVER same <> max(question) OVER same
ORDER BY set_name, text, copy;
