-- Does steering change how many problems are right? McNemar and Tango for every candidate and alpha.
--
-- Grain: one row per (candidate's condition, set, seed). P-values are not corrected for the number
-- of rows: `steerstat analyze` does that.
--
-- Parameters:
--   $set_name VARCHAR = primary: problem set, NULL for all
--   $direction VARCHAR = NULL: name of one direction, NULL for every candidate
-- Columns:
--   n_pairs, gained, lost   by the primary estimand: an answer that cannot be read is not right
--   estimate, low, high   (gained - lost) / n_pairs and its 95 % Tango interval, fractions
--   p, p_exact            McNemar mid-p (primary) and exact
--   stop                  why a sequential plan ended it: see `stops`. Limits and p for a fixed
--                         number of problems are NULL there
--   p_anytime             its p, which holds however often one looked; NULL elsewhere
--   n_unreadable, n_missing   steered answers that cannot be read, outcomes that are missing
--   complete_n_pairs, complete_estimate, complete_p   of the pairs with both answers read; p at any
--                         look where `stop` is not NULL
--   effect_low, effect_high   worst-case bounds of the effect over all pairs: whatever was not read
--                         or is missing may have been right or wrong
--   selected_on_outcome   true: the set was balanced on the baseline, the test is not to be trusted
SELECT
    model, protocol, set_name, direction, alpha, seed, n_pairs, gained, lost,
    (gained - lost) / nullif(n_pairs, 0) AS estimate,
    CASE WHEN stop IS NULL THEN tango_low(gained, lost, n_pairs) END AS low,
    CASE WHEN stop IS NULL THEN tango_high(gained, lost, n_pairs) END AS high,
    CASE WHEN stop IS NULL THEN mcnemar_midp(gained, lost) END AS p,
    CASE WHEN stop IS NULL THEN mcnemar_exact(gained, lost) END AS p_exact,
    stop,
    CASE WHEN stop IS NOT NULL THEN least(anytime_p(gained, lost), p_stop) END AS p_anytime,
    n_unreadable, n_missing, complete_n_pairs,
    (complete_gained - complete_lost) / nullif(complete_n_pairs, 0) AS complete_estimate,
    CASE
        WHEN stop IS NULL THEN mcnemar_midp(complete_gained, complete_lost)
        ELSE anytime_p(complete_gained, complete_lost)
    END AS complete_p,
    (complete_gained - complete_lost - maybe_lost - maybe_either) / n AS effect_low,
    (complete_gained - complete_lost + maybe_gained + maybe_either) / n AS effect_high,
    selected_on_outcome, condition_id
FROM (
    SELECT d.*, s.stop, s.p_anytime AS p_stop
    FROM discordant AS d
    LEFT JOIN stops AS s ON s.condition_id = d.condition_id AND s.set_name = d.set_name
)
WHERE direction_id IS NOT NULL
    AND ($set_name::VARCHAR IS NULL OR set_name = $set_name::VARCHAR)
    AND (direction = $direction::VARCHAR OR ($direction::VARCHAR IS NULL AND role = 'candidate'))
ORDER BY model, protocol, set_name, direction, alpha, seed, condition_id;
