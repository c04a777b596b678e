-- The stored texts of some outcomes, with their verdicts and how they were read.
--
-- Grain: one row per of these outcomes.
--
-- Parameters:
--   $ids VARCHAR = NULL: a list of condition, problem and seed with spaces between
SELECT o.condition_id, o.problem_id, o.seed, o.text, o.answer, o.status, o.correct,
    p.answer AS gold, c.protocol_fields
FROM outcomes AS o
JOIN conditions AS c USING (condition_id)
JOIN problems AS p USING (problem_id)
WHERE list_contains($ids::VARCHAR[], concat_ws(' ', o.condition_id, o.problem_id, o.seed))
ORDER BY o.condition_id, o.problem_id, o.seed;
