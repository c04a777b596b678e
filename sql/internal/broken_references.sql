-- Which rows refer to something that the store does not have, so that a view shows NULL, or nothing?
--
-- Grain: one row per kind of reference that is broken somewhere. A store without any condition
-- describes nothing and is not asked. A baseline without outcomes yet is no fault: its sweep goes on.
--
-- Columns:
--   what, lacks     kinds of the row and of what is missing
--   n               how many rows lack it; of outcomes: how many conditions or problems are missing
--   id, missing     the first of them, and the id of what it refers to (NULL of a baseline or vectors)
WITH
nameless AS (
    SELECT condition_no, condition_id FROM condition_keys ANTI JOIN conditions USING (condition_id)
),
unknown AS (
    SELECT problem_no, problem_id FROM problem_keys ANTI JOIN problems USING (problem_id)
),
broken AS (
    SELECT 'condition' AS what, condition_id AS id, 'model' AS lacks, model_id AS missing
    FROM conditions ANTI JOIN models USING (model_id)
    UNION ALL
    SELECT 'condition', condition_id, 'direction', direction_id
    FROM conditions ANTI JOIN directions USING (direction_id)
    WHERE direction_id IS NOT NULL
    UNION ALL
    SELECT 'condition', condition_id, 'baseline', NULL
    FROM condition_baselines SEMI JOIN outcome_rows USING (condition_no)
    WHERE baseline_id IS NULL
    UNION ALL
    SELECT 'outcome', c.condition_id || ' ' || min(p.problem_id), 'condition', c.condition_id
    FROM outcome_rows
    JOIN nameless AS c USING (condition_no)
    JOIN problem_keys AS p USING (problem_no)
    GROUP BY c.condition_id
    UNION ALL
    SELECT 'outcome', min(c.condition_id) || ' ' || p.problem_id, 'problem', p.problem_id
    FROM outcome_rows
    JOIN unknown AS p USING (problem_no)
    JOIN condition_keys AS c USING (condition_no)
    GROUP BY p.problem_id
    UNION ALL
    SELECT 'problem set', set_name, 'problem', problem_id
    FROM problem_sets ANTI JOIN problems USING (problem_id)
    UNION ALL
    -- Without a norm it was imported by name alone: nobody steers with it.
    SELECT 'direction', direction_id, 'vectors', NULL
    FROM directions ANTI JOIN direction_vectors USING (direction_id)
    WHERE norm IS NOT NULL
    UNION ALL
    SELECT 'control', d.direction_id, 'candidate', d.parent_id
    FROM directions AS d ANTI JOIN directions AS p ON p.direction_id = d.parent_id
    WHERE d.parent_id IS NOT NULL
)
SELECT what, lacks, count(*) AS n, min(id) AS id, min_by(missing, (id, missing)) AS missing
FROM broken
WHERE EXISTS (FROM conditions)
GROUP BY what, lacks
ORDER BY what, lacks;
