-- What happened to one problem under every condition?
--
-- Grain: one row per (condition, seed), the baseline first.
--
-- Parameters:
--   $problem VARCHAR: problem_id, or the start of one, or a piece of the question
-- Columns:
--   answer, text   parsed answer and decoded text
--   readable_right   the primary outcome: false where no answer could be read, NULL where missing
SELECT
    p.problem_id, p.question, p.answer AS gold, c.model, c.protocol, c.direction, c.alpha, o.seed,
    o.status, o.answer, o.text, readable_right(o.correct, o.status) AS readable_right, o.correct,
    o.gold_logprob, o.margin, o.fragile, c.condition_id
FROM outcomes AS o
JOIN problems AS p USING (problem_id)
JOIN condition_details AS c ON c.condition_id = o.condition_id
WHERE starts_with(p.problem_id, $problem::VARCHAR) OR contains(p.question, $problem::VARCHAR)
ORDER BY p.problem_id, c.model, c.protocol, c.direction NULLS FIRST, c.alpha, o.seed,
    c.condition_id;
