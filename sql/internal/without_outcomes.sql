-- Leave outcomes of problems that are in no set out of a copy in memory.
--
-- Grain: one row per call: how many rows were left out.
--
-- Parameters:
--   $ids VARCHAR = NULL: ids of the problems, a list
DELETE FROM outcome_rows WHERE problem_no IN (
    SELECT problem_no FROM problem_keys WHERE list_contains($ids::VARCHAR[], problem_id)
);
