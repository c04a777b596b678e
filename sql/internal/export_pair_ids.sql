-- The number that a problem has in the report's files.
--
-- Grain: one row per problem.
--
-- Columns:
--   pair_id   NULL where the problem came from elsewhere, or has a key that is no number
SELECT
    problem_id,
    TRY_CAST(
        regexp_extract(json_extract_string(attributes, '$.pair_id'), '^[0-9]{1,18}$') AS BIGINT
    ) AS pair_id
FROM problems
ORDER BY problem_id;
