-- Which problems of a set differ from another in their numbers alone?
--
-- Grain: one row per problem of a set whose template another has: the template is a cluster.
--
-- Columns:
--   copy   1 for the first of the cluster
WITH
texts AS (
    SELECT s.set_name, p.problem_id, p.question, p.answer,
        normalised_text(p.question) AS text, text_template(p.question) AS template
    FROM problem_sets AS s
    JOIN problems AS p USING (problem_id)
)
SELECT
    set_name, template, problem_id, question, answer,
    row_number() OVER (PARTITION BY set_name, template ORDER BY problem_id) AS copy
FROM texts
WHERE template LIKE '%#%'
WINDOW same AS (PARTITION BY set_name, template)
QUALIFY min(text) OVER same <> max(text) OVER same
ORDER BY set_name, template, copy;
