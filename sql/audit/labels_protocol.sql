-- Which labels disagree with the baseline that the set is tested against, or fitted for?
--
-- Grain: one row per set, baseline and labelled problem; of a set that nothing was steered on, every
-- baseline that has outcomes of it.
--
-- Parameters:
--   $agreeing BOOLEAN = false: labels that agree as well
-- Columns:
--   label, right_   the label, and the outcome (`readable_right`) of the first decode
WITH
-- Whole sets, and the baselines that candidates are compared with there.
tested AS (
    SELECT DISTINCT a.set_name, a.baseline_id
    FROM accuracy_by_alpha AS a
    JOIN sets_overview AS v USING (set_name)
    WHERE a.role = 'candidate' AND v.split <> 'train' AND a.n >= v.n * a.n_seeds
),
-- Training sets, and the baselines of what was fitted on them.
fitted AS (
    SELECT DISTINCT json_text(d.fitted_on, '$.set') AS set_name, c.baseline_id
    FROM directions AS d
    JOIN condition_details AS c USING (direction_id)
    WHERE d.role = 'candidate'
),
used AS (
    SELECT * FROM tested
    UNION
    SELECT * FROM fitted
),
chosen AS (
    SELECT * FROM used
    UNION ALL
    SELECT s.set_name, c.condition_id
    FROM (SELECT DISTINCT set_name FROM problem_sets) AS s
    CROSS JOIN (SELECT condition_id FROM conditions WHERE direction_id IS NULL) AS c
    WHERE s.set_name NOT IN (SELECT set_name FROM used WHERE set_name IS NOT NULL)
)
SELECT
    s.set_name, s.split, c.baseline_id, d.protocol, s.problem_id, s.label,
    b.readable_right AS right_
FROM chosen AS c
JOIN problem_sets AS s USING (set_name)
JOIN problem_keys AS k USING (problem_id)
JOIN condition_details AS d ON d.condition_id = c.baseline_id
JOIN baseline_rows AS b
    ON b.condition_no = d.condition_no AND b.problem_no = k.problem_no AND b.seed = 0
WHERE s.label IS NOT NULL AND b.readable_right IS NOT NULL
    AND ($agreeing OR s.label <> b.readable_right)
ORDER BY s.set_name, c.baseline_id, s.problem_id;
