-- Does steering break the form of the answer? Answers that cannot be read, against the baseline.
--
-- Grain: one row per steered condition with an unreadable or missing outcome, on either side.
--
-- Columns (outcomes):
--   n, parse_fail, truncated, error   of the steered condition
--   n_unreadable, baseline_unreadable   answers that cannot be read (parse_fail, truncated)
--   n_missing, baseline_missing   missing (error, or no verdict); not collected is no outcome
--   became_unreadable, became_readable   pairs that only steering, only the baseline left unread:
--   p                             McNemar's test of the two (mid-p): unequal missingness; where a
--                                 sequential plan ended the condition on some set (`stop`), the p
--                                 that holds at any look
SELECT
    model, protocol, direction, alpha, count(*) AS n,
    count(*) FILTER (status = 'parse_fail') AS parse_fail,
    count(*) FILTER (status = 'truncated') AS truncated,
    count(*) FILTER (status = 'error') AS error,
    count(*) FILTER (correct IS NULL AND readable_right IS NOT NULL) AS n_unreadable,
    count(*) FILTER (baseline_correct IS NULL AND baseline_readable_right IS NOT NULL)
        AS baseline_unreadable,
    count(*) FILTER (readable_right IS NULL) AS n_missing,
    count(*) FILTER (baseline_status IS NOT NULL AND baseline_readable_right IS NULL)
        AS baseline_missing,
    count(*) FILTER (baseline_correct IS NOT NULL AND correct IS NULL
        AND readable_right IS NOT NULL) AS became_unreadable,
    count(*) FILTER (correct IS NOT NULL AND baseline_correct IS NULL
        AND baseline_readable_right IS NOT NULL) AS became_readable,
    CASE
        WHEN any_value(stop) IS NULL THEN mcnemar_midp(became_unreadable, became_readable)
        ELSE anytime_p(became_unreadable, became_readable)
    END AS p,
    any_value(stop) AS stop,
    condition_id
FROM paired_outcomes
LEFT JOIN (SELECT condition_id, min(stop) AS stop FROM stops GROUP BY condition_id)
    USING (condition_id)
GROUP BY condition_id, model, protocol, direction, alpha
HAVING n_unreadable + baseline_unreadable + n_missing + baseline_missing > 0
ORDER BY n_unreadable DESC, n_missing DESC, model, direction, alpha, condition_id;
