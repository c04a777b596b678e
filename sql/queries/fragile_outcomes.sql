-- Which outcomes are numerically fragile, and which of them carry a gain or a loss?
--
-- Grain: one row per (steered condition, problem, seed) with a fragile outcome on either side.
--
-- Parameters:
--   $changed BOOLEAN = false: only pairs that changed
-- Columns:
--   margin             smallest top-2 logit margin of the steered decode, in logits
--   fragile, baseline_fragile   which side is within the noise that the batch gate measured
SELECT
    model, protocol, direction, alpha, problem_id, seed, margin, fragile, baseline_fragile,
    baseline_correct, correct, gained, lost, condition_id
FROM paired_outcomes
WHERE (fragile OR baseline_fragile) AND (NOT $changed OR gained OR lost)
ORDER BY margin, model, direction, alpha, problem_id, seed, condition_id;
