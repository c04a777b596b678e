-- How many other conditions are compared with a baseline among these?
--
-- Grain: one row per store.
--
-- Parameters:
--   $conditions VARCHAR = NULL: ids of conditions
SELECT count(*) AS n_conditions
FROM condition_baselines
WHERE list_contains($conditions::VARCHAR[], baseline_id)
    AND NOT list_contains($conditions::VARCHAR[], condition_id);
