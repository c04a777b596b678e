-- Leave conditions out of a copy in memory, to see what the headline is without them.
--
-- Grain: one row per call: how many rows were left out.
--
-- Parameters:
--   $ids VARCHAR = NULL: their ids, a list
DELETE FROM conditions WHERE list_contains($ids::VARCHAR[], condition_id);
