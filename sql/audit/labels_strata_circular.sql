-- Which strata were read off a run that made the baseline they are tested against?
--
-- Grain: one row per (scheme, set, baseline).
SELECT DISTINCT scheme, set_name, model, protocol, dtype, baseline_id
FROM accuracy_by_stratum
WHERE cut_from_baseline
ORDER BY ALL;
