-- Leave sets out of a copy in memory, to see what the headline is without them.
--
-- Parameters:
--   $ids VARCHAR = NULL: their names, a list
DELETE FROM problem_sets WHERE list_contains($ids::VARCHAR[], set_name);
