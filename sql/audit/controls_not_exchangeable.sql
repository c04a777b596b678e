-- The effects of a candidate's controls at one dose: the sample that a normal theory is about.
--
-- Grain: one row per control, candidate, set and dose.
--
-- Parameters:
--   $candidate VARCHAR = NULL: name of a candidate, NULL for all
--   $alpha DOUBLE = NULL: a dose, NULL for all
SELECT candidate, set_name, protocol, kind, alpha, direction AS control, estimate,
    candidate_estimate
FROM control_effects
WHERE estimate IS NOT NULL AND candidate_estimate IS NOT NULL
    AND ($candidate::VARCHAR IS NULL OR candidate = $candidate::VARCHAR)
    AND ($alpha::DOUBLE IS NULL OR alpha = $alpha::DOUBLE)
ORDER BY candidate, set_name, kind, alpha, estimate;
