-- Is a direction better or worse on hard problems? Paired changes within each stratum.
--
-- Grain: one row per (candidate's condition, level of the scheme).
--
-- Parameters:
--   $scheme VARCHAR = n_steps: how problems are cut
--   $set_name VARCHAR = primary: problem set
--   $alpha DOUBLE = NULL: one dose, NULL for all
-- Columns:
--   estimate, low, high, p   (gained - lost) / n_pairs, its 95 % Tango interval, McNemar mid-p; all
--                            NULL where several seeds are pooled or a sequential plan ended it
--   stop, p_anytime          why it ended (see `stops`), and the p that holds there
--   cut_from_baseline        strata read off the tested baseline invent effects: ignore such rows
SELECT
    model, protocol, direction, alpha, scheme, level, n_seeds, n_pairs, gained, lost,
    (gained - lost) / nullif(n_pairs, 0) AS estimate,
    CASE WHEN n_seeds = 1 AND stop IS NULL THEN tango_low(gained, lost, n_pairs) END AS low,
    CASE WHEN n_seeds = 1 AND stop IS NULL THEN tango_high(gained, lost, n_pairs) END AS high,
    CASE WHEN n_seeds = 1 AND stop IS NULL THEN mcnemar_midp(gained, lost) END AS p,
    stop,
    CASE WHEN n_seeds = 1 AND stop IS NOT NULL THEN anytime_p(gained, lost) END AS p_anytime,
    cut_from_baseline, selected_on_outcome, condition_id
FROM (
    SELECT a.*, s.stop
    FROM accuracy_by_stratum AS a
    LEFT JOIN stops AS s ON s.condition_id = a.condition_id AND s.set_name = a.set_name
)
WHERE role = 'candidate'
    AND scheme = $scheme
    AND set_name = $set_name
    AND ($alpha::DOUBLE IS NULL OR alpha = $alpha::DOUBLE)
ORDER BY model, protocol, direction, alpha, level, condition_id;
