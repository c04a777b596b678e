-- What is every outcome, with its problem, model and condition in words, for other programs?
--
-- Grain: one row per outcome and score of it, or per outcome without scores; what the store does not
-- have is NULL.
--
-- Columns:
--   condition_id, problem_id, seed, model, protocol, question, gold, direction, kind, role, alpha
--   answer, status, correct, text, n_steps, run_id
--   score_name, score       continuous outcome; a score that is NULL could not be told
--   gold_logprob, margin    nats, logits
SELECT
    o.condition_id, o.problem_id, o.seed, m.name AS model, c.protocol, p.question,
    p.answer AS gold, d.name AS direction, d.kind, d.role, c.alpha,
    o.answer, o.status, o.correct, o.text, p.n_steps, o.run_id, s.name AS score_name,
    s.value AS score, o.gold_logprob, o.margin
FROM outcomes AS o
JOIN conditions AS c USING (condition_id)
JOIN problems AS p USING (problem_id)
LEFT JOIN models AS m USING (model_id)
LEFT JOIN directions AS d USING (direction_id)
LEFT JOIN scores AS s
    ON s.condition_id = o.condition_id AND s.problem_id = o.problem_id AND s.seed = o.seed
ORDER BY o.condition_id, o.problem_id, o.seed, s.name;
