-- Leave problems out of sets of a copy in memory, to see what the headline is without them.
--
-- Grain: one row per call: how many rows were left out.
--
-- Parameters:
--   $ids VARCHAR = NULL: a list of set name and problem id, with a line break between
DELETE FROM problem_sets WHERE list_contains($ids::VARCHAR[], set_name || chr(10) || problem_id);
