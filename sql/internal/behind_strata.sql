-- The rows behind the effects by number of steps of one problem set under one protocol.
--
-- Grain: one row per (candidate condition, set, number of steps), seeds pooled.
--
-- Columns: as in `accuracy_by_stratum`; level: the number of steps.
--
-- Parameters:
--   $model VARCHAR = NULL: name of the model
--   $protocol VARCHAR = NULL: name of the protocol; its fields enter by the baseline
--   $decoding VARCHAR = NULL: as the condition has it, JSON
--   $dtype VARCHAR = NULL: arithmetic of the model
--   $set_name VARCHAR = NULL: the problem set; NULL for problems of none
--   $baseline_id VARCHAR = NULL: the condition that the steered ones are paired with
SELECT direction, alpha, level, n_pairs, gained, lost, accuracy,
    site, schedule, operator, effect
FROM accuracy_by_stratum
WHERE model = $model
    AND protocol = $protocol
    AND decoding IS NOT DISTINCT FROM $decoding
    AND dtype = $dtype
    AND set_name IS NOT DISTINCT FROM $set_name
    AND baseline_id = $baseline_id
    AND scheme = 'n_steps'
    AND role = 'candidate'
ORDER BY direction, alpha, level;
