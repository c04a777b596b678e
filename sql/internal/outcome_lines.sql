-- The discrete columns of outcomes as lines of text, NULLs kept: what a digest of results is of.
--
-- Grain: one row per outcome, in order of its key. Floats, text and provenance do not enter.
--
-- Parameters:
--   $conditions VARCHAR = NULL: ids of conditions; NULL for all
--   $problems VARCHAR = NULL: ids of problems; NULL for all
SELECT
    concat_ws('|', condition_id, problem_id, seed,
        coalesce(array_to_string(tokens, ','), '-'),
        CASE WHEN answer IS NULL THEN '-' ELSE '=' || answer END,
        status, coalesce(correct::VARCHAR, '-')) || chr(10) AS line
FROM outcomes
WHERE ($conditions::VARCHAR[] IS NULL OR list_contains($conditions::VARCHAR[], condition_id))
    AND ($problems::VARCHAR[] IS NULL OR list_contains($problems::VARCHAR[], problem_id))
ORDER BY condition_id, problem_id, seed;
