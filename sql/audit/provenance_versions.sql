-- Which runs with outcomes do not say what code and libraries made them?
--
-- Grain: one row per run.
SELECT r.run_id, r.created_at, r.code_version, r.library_versions, r.device, r.command
FROM runs AS r
WHERE r.run_id IN (SELECT k.run_id FROM run_keys AS k JOIN outcome_rows AS o USING (run_no))
    AND (r.code_version IS NULL OR r.library_versions IS NULL OR NOT json_valid(r.library_versions))
ORDER BY r.created_at, r.run_id;
