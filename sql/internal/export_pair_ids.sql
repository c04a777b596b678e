-- The number that a problem has in the report's files.
--
-- Grain: one row per problem.
--
-- Columns:
--   pair_id   NULL where the problem came from elsewhere
SELECT problem_id, CAST(json_extract_string(attributes, '$.pair_id') AS BIGINT) AS pair_id
FROM problems
ORDER BY problem_id;
