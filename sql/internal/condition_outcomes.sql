-- The outcomes of one condition, with what names their problems elsewhere.
--
-- Grain: one row per (problem, seed).
--
-- Columns:
--   readable_right   the primary outcome: false where no answer could be read, NULL where it is
--                    missing (error)
--   correct          NULL where no answer was read as well
--   attributes       JSON; an imported problem has the id of its file under `key`
--
-- Parameters:
--   $condition VARCHAR = NULL: the condition
SELECT
    o.problem_id, o.seed, readable_right(o.correct, o.status) AS readable_right, o.correct,
    p.question, p.attributes
FROM outcomes AS o
LEFT JOIN problems AS p USING (problem_id)
WHERE o.condition_id = $condition
ORDER BY o.problem_id, o.seed;
