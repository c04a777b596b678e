-- Does steering break the form of the answer? Parse failures and truncations against the baseline.
--
-- Grain: one row per steered condition with a missing outcome, on either side.
--
-- Columns (outcomes):
--   n, parse_fail, truncated, error   of the steered condition
--   n_missing, baseline_missing       missing after steering, missing at the baseline
--   missing_gained, missing_lost      missing only after steering, only at the baseline: a McNemar
--   p                                 test on these two is p (mid-p)
SELECT
    model, protocol, direction, alpha, count(*) AS n,
    count(*) FILTER (status = 'parse_fail') AS parse_fail,
    count(*) FILTER (status = 'truncated') AS truncated,
    count(*) FILTER (status = 'error') AS error,
    count(*) FILTER (correct IS NULL) AS n_missing,
    count(*) FILTER (baseline_status IS NOT NULL AND baseline_correct IS NULL) AS baseline_missing,
    count(*) FILTER (correct IS NULL AND baseline_correct IS NOT NULL) AS missing_gained,
    count(*) FILTER (correct IS NOT NULL AND baseline_correct IS NULL
        AND baseline_status IS NOT NULL) AS missing_lost,
    mcnemar_midp(missing_gained, missing_lost) AS p,
    condition_id
FROM paired_outcomes
GROUP BY condition_id, model, protocol, direction, alpha
HAVING n_missing + baseline_missing > 0
ORDER BY n_missing DESC, model, direction, alpha, condition_id;
