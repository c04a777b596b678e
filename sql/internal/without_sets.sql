-- Leave sets out of a copy in memory, to see what the headline is without them.
--
-- Grain: one row per call: how many rows were left out.
--
-- Parameters:
--   $ids VARCHAR = NULL: their names, a list
DELETE FROM problem_sets WHERE list_contains($ids::VARCHAR[], set_name);
