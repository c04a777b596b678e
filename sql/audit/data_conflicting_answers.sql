-- Which questions have two gold answers?
--
-- Grain: one row per problem whose text, but for case and punctuation, has another answer as well;
-- set_name is NULL of a problem in no set.
SELECT s.set_name, p.problem_id, p.question, p.answer
FROM problems AS p
LEFT JOIN problem_sets AS s USING (problem_id)
WINDOW same AS (PARTITION BY normalised_text(p.question))
QUALIFY min(p.answer) OVER same <> max(p.answer) OVER same
ORDER BY normalised_text(p.question), p.answer, p.problem_id, s.set_name;
