-- The worked answers of problems, with their steps as `<<16-3-4=9>>`.
--
-- Grain: one row per problem that has one, and set; set_name is NULL of a problem in no set.
--
-- Parameters:
--   $ids VARCHAR = NULL: ids of problems, a list; NULL for all
SELECT
    s.set_name, p.problem_id, p.question, p.answer, json_text(p.attributes, '$.worked') AS worked
FROM problems AS p
LEFT JOIN problem_sets AS s USING (problem_id)
WHERE json_text(p.attributes, '$.worked') LIKE '%<<%=%>>%'
    AND ($ids::VARCHAR[] IS NULL OR list_contains($ids::VARCHAR[], p.problem_id))
ORDER BY p.problem_id, s.set_name;
