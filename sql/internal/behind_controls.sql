-- The rows behind a candidate among its controls: the effect of every control direction.
--
-- Grain: one row per (control condition, set), seeds pooled.
--
-- Columns:
--   candidate    the direction that the control is norm-matched to
--   n_pairs      of this control: fewer than the set has where an outcome is missing (an error)
--   estimate     (gained - lost) / n_pairs, a fraction
--
-- Parameters:
--   $model VARCHAR = NULL: name of the model
--   $protocol VARCHAR = NULL: name of the protocol; its fields enter by the baseline
--   $decoding VARCHAR = NULL: as the condition has it, JSON
--   $dtype VARCHAR = NULL: arithmetic of the model
--   $set_name VARCHAR = NULL: the problem set; NULL for problems of none
--   $baseline_id VARCHAR = NULL: the condition that the steered ones are paired with
SELECT candidate, direction, alpha, n_pairs, estimate, site, schedule, operator, effect
FROM control_effects
WHERE model = $model
    AND protocol = $protocol
    AND decoding IS NOT DISTINCT FROM $decoding
    AND dtype = $dtype
    AND set_name IS NOT DISTINCT FROM $set_name
    AND baseline_id = $baseline_id
ORDER BY alpha, estimate, direction;
