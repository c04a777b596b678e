-- Which stored p are those of a one-sided test that no plan asked for?
--
-- Grain: one row per result whose p is half of the two-sided one.
SELECT analysis_id, name, method, gained, lost, p, mcnemar_midp(gained, lost) AS two_sided, stamp
FROM results
WHERE p IS NOT NULL AND gained IS NOT NULL AND lost IS NOT NULL AND gained <> lost
    AND coalesce(stamp, 'exploratory') <> 'confirmatory'
    -- With no pair on one side the mid-p is half of the exact p: such a p says nothing.
    AND abs(p / mcnemar_midp(gained, lost) - 1) > 1e-6
    AND (
        abs(2 * p / mcnemar_midp(gained, lost) - 1) < 1e-6
        OR abs(2 * p / mcnemar_exact(gained, lost) - 1) < 1e-6
    )
ORDER BY analysis_id, name;
