-- Which outcomes are wrong although nothing was answered?
--
-- Grain: one row per outcome whose text is empty and whose verdict is wrong.
SELECT condition_id, problem_id, seed, status, text, answer, correct
FROM outcomes
WHERE status = 'ok' AND NOT correct AND text IS NOT NULL AND trim(text) = ''
    AND coalesce(trim(answer), '') = ''
ORDER BY condition_id, problem_id, seed;
