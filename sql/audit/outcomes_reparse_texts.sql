-- Every stored text once, with how it was graded and the outcomes that have it.
--
-- Grain: one row per protocol, gold answer, text, answer, status and verdict.
--
-- Columns:
--   units   the outcomes: condition, problem and seed with spaces between
SELECT c.protocol_fields, p.answer AS gold, o.text, o.answer, o.status, o.correct, count(*) AS n,
    list(concat_ws(' ', o.condition_id, o.problem_id, o.seed)) AS units
FROM outcomes AS o
JOIN conditions AS c USING (condition_id)
JOIN problems AS p USING (problem_id)
WHERE o.text IS NOT NULL OR o.answer IS NOT NULL
GROUP BY ALL
ORDER BY c.protocol_fields, p.answer, o.text, o.answer, o.status, o.correct;
