-- Which stored results have an interval of no width, though something varies?
--
-- Grain: one row per result.
SELECT analysis_id, name, quantity, method, n, gained, lost, estimate, low, high
FROM results
WHERE low = high AND n > 1 AND (gained + lost > 0 OR (estimate > 0 AND estimate < 1))
ORDER BY analysis_id, name;
