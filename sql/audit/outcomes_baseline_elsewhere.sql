-- Which steered conditions have no baseline of their own, or one that was made elsewhere?
--
-- Grain: one row per steered condition with outcomes.
--
-- Columns:
--   baseline_id       NULL: none of the same model, protocol, decoding and dtype
--   library_versions, device   of the steered run; no run of its baseline had these
WITH
facts AS (
    SELECT DISTINCT o.condition_no, r.library_versions, r.device
    FROM outcome_rows AS o
    JOIN run_keys AS k USING (run_no)
    JOIN runs AS r USING (run_id)
),
alike AS (
    SELECT DISTINCT c.condition_no
    FROM condition_details AS c
    JOIN facts AS own ON own.condition_no = c.condition_no
    JOIN facts AS base
        ON base.condition_no = c.baseline_no
        AND base.library_versions IS NOT DISTINCT FROM own.library_versions
        AND base.device IS NOT DISTINCT FROM own.device
)
SELECT c.condition_id, c.direction, c.protocol, c.dtype, c.alpha, c.baseline_id,
    min(f.library_versions) AS library_versions, min(f.device) AS device
FROM condition_details AS c
JOIN facts AS f USING (condition_no)
WHERE c.direction_id IS NOT NULL
    AND (c.baseline_no IS NULL OR c.condition_no NOT IN (SELECT condition_no FROM alike))
GROUP BY ALL
ORDER BY c.direction, c.alpha, c.condition_id;
