-- Does a candidate do more than random directions do? Its rank among its own controls, per alpha.
--
-- Grain: one row per (candidate's condition with controls, set), seeds pooled.
--
-- Parameters:
--   $set_name VARCHAR = primary: problem set, NULL for all
-- Columns:
--   n_pairs, least_n_pairs         of the candidate, and of the control that has the fewest: fewer
--                                  than the set has where an outcome is missing (an error)
--   estimate                       (gained - lost) / n_pairs of the candidate, a fraction; an answer
--                                  that cannot be read is not right
--   k                              controls run in the same way and dose
--   control_min, control_median, control_max   of the controls' estimates
--   rank_p_lower, rank_p_upper     (1 + controls at or below / at or above) / (k + 1), one-sided:
--                                  never below 1 / (k + 1); NULL where `stop` is not
--   stop                           why a sequential plan ended the candidate before the last problem
--   decoding … baseline_id         what tells conditions of one direction and dose apart
SELECT
    model, protocol, set_name, candidate AS direction, alpha, candidate_n_pairs AS n_pairs,
    min(n_pairs) AS least_n_pairs,
    candidate_estimate AS estimate, count(*) AS k,
    min(estimate) AS control_min,
    median(estimate) AS control_median,
    max(estimate) AS control_max,
    CASE
        WHEN candidate_stop IS NULL
            THEN (1 + count(*) FILTER (estimate <= candidate_estimate)) / (count(*) + 1)
    END AS rank_p_lower,
    CASE
        WHEN candidate_stop IS NULL
            THEN (1 + count(*) FILTER (estimate >= candidate_estimate)) / (count(*) + 1)
    END AS rank_p_upper,
    candidate_stop AS stop,
    decoding, dtype, site, schedule, operator, effect, baseline_id
FROM control_effects
WHERE candidate_estimate IS NOT NULL
    AND estimate IS NOT NULL
    AND ($set_name::VARCHAR IS NULL OR set_name = $set_name::VARCHAR)
GROUP BY
    model, protocol, decoding, dtype, set_name, candidate, candidate_id, baseline_id, site,
    schedule, operator, effect, alpha, candidate_n_pairs, candidate_estimate,
    candidate_stop
ORDER BY model, protocol, set_name, direction, alpha, site, schedule, operator, effect;
