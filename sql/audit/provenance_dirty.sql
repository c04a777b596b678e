-- Which runs with outcomes came of altered code, or did not end?
--
-- Grain: one row per run.
SELECT r.run_id, r.created_at, r.status, r.git_commit, r.code_version, r.command
FROM runs AS r
WHERE r.run_id IN (SELECT k.run_id FROM run_keys AS k JOIN outcome_rows AS o USING (run_no))
    AND (
        r.git_commit LIKE '%dirty%' OR r.code_version LIKE '%dirty%' OR r.status <> 'complete'
    )
ORDER BY r.created_at, r.run_id;
