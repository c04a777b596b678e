-- The problems of the training and the test set, with their label and their answer at the baseline.
--
-- Grain: one row per (set, problem).
--
-- Columns:
--   label    of the set; where it has none, whether the baseline was right
--   answer   of the baseline at seed 0; NULL where it was not run
--
-- Parameters:
--   $condition VARCHAR = NULL: a condition of the setting that is exported
--   $train VARCHAR = train: the set that the direction was fitted on
--   $test VARCHAR = primary: the set that it was tested on
SELECT
    s.set_name, s.problem_id, p.answer AS gold, p.n_steps, b.answer,
    coalesce(s.label, b.correct) AS label
FROM problem_sets AS s
JOIN problems AS p USING (problem_id)
LEFT JOIN outcomes AS b
    ON b.problem_id = s.problem_id
    AND b.seed = 0
    AND b.condition_id = (
        SELECT baseline_id
        FROM condition_details
        WHERE condition_id = $condition
    )
WHERE s.set_name IN ($train, $test)
ORDER BY s.set_name, s.problem_id;
