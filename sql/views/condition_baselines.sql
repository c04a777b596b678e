-- The baseline that every condition is compared with.
--
-- Grain: one row per condition; a baseline is its own.
-- The baseline of a condition is the condition without a direction of the same model, protocol
-- (name and fields), decoding and dtype. baseline_id is NULL where none was collected.
--
-- Columns:
--   condition_no, baseline_no   numbers in this file, for joins on `outcome_rows`; NULL where
--                               nothing was collected
CREATE OR REPLACE VIEW condition_baselines AS
WITH
-- One baseline per setting: one with outcomes before one without, then the smallest id.
baselines AS (
    SELECT
        c.model_id, c.protocol, c.protocol_fields, c.decoding, c.dtype,
        arg_min(
            {'id': c.condition_id, 'no': k.condition_no},
            (k.condition_no IS NULL, c.condition_id)
        ) AS baseline
    FROM conditions AS c
    LEFT JOIN condition_keys AS k USING (condition_id)
    WHERE c.direction_id IS NULL
    GROUP BY c.model_id, c.protocol, c.protocol_fields, c.decoding, c.dtype
)
SELECT
    c.condition_id, k.condition_no, b.baseline.id AS baseline_id, b.baseline.no AS baseline_no
FROM conditions AS c
LEFT JOIN condition_keys AS k USING (condition_id)
LEFT JOIN baselines AS b
    ON b.model_id = c.model_id
    AND b.protocol = c.protocol
    AND b.protocol_fields IS NOT DISTINCT FROM c.protocol_fields
    AND b.decoding IS NOT DISTINCT FROM c.decoding
    AND b.dtype = c.dtype;
