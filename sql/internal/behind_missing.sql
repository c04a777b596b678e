-- The rows behind what was not read or is missing, on one problem set under one protocol.
--
-- Grain: one row per (condition, set), seeds pooled; candidates, controls and the baseline.
--
-- Columns: as in `accuracy_by_alpha`.
--
-- Parameters:
--   $model VARCHAR = NULL: name of the model
--   $protocol VARCHAR = NULL: name of the protocol; its fields enter by the baseline
--   $decoding VARCHAR = NULL: as the condition has it, JSON
--   $dtype VARCHAR = NULL: arithmetic of the model
--   $set_name VARCHAR = NULL: the problem set; NULL for problems of none
--   $baseline_id VARCHAR = NULL: the condition that the steered ones are paired with
SELECT
    direction, role, alpha, n, n_unreadable, n_missing, became_unreadable, became_readable,
    complete_n_pairs, complete_gained, complete_lost, maybe_gained, maybe_lost, maybe_either,
    site, schedule, operator, effect
FROM accuracy_by_alpha
WHERE model = $model
    AND protocol = $protocol
    AND decoding IS NOT DISTINCT FROM $decoding
    AND dtype = $dtype
    AND set_name IS NOT DISTINCT FROM $set_name
    AND baseline_id = $baseline_id
ORDER BY role, direction, alpha;
