-- Every condition with the names behind its ids and the baseline that it is compared with.
--
-- Grain: one row per condition; a baseline has no direction and is its own baseline.
-- The baseline of a condition is the condition without a direction of the same model, protocol
-- (name and fields), decoding and dtype. baseline_id is NULL where none was collected.
--
-- Columns:
--   model, protocol, protocol_fields, decoding, dtype   what decides the baseline
--   direction, direction_id, kind, role, parent_id      NULL for a baseline
--   site, schedule, operator, effect, alpha             how the direction is applied; alpha: dose
--   condition_no, baseline_no   their numbers in this file, for joins on `outcome_rows`; NULL
--                               where nothing was collected
CREATE OR REPLACE VIEW condition_details AS
WITH
-- One baseline per setting: one with outcomes before one without, then the smallest id.
baselines AS (
    SELECT
        c.model_id, c.protocol, c.protocol_fields, c.decoding, c.dtype,
        arg_min(c.condition_id, (k.condition_no IS NULL, c.condition_id)) AS baseline_id
    FROM conditions AS c
    LEFT JOIN condition_keys AS k USING (condition_id)
    WHERE c.direction_id IS NULL
    GROUP BY c.model_id, c.protocol, c.protocol_fields, c.decoding, c.dtype
)
SELECT
    c.condition_id, b.baseline_id, c.model_id, m.name AS model, c.protocol, c.protocol_fields,
    c.decoding, c.dtype, d.name AS direction, c.direction_id, d.kind, d.role, d.parent_id,
    c.site, c.schedule, c.operator, c.effect, c.alpha, k.condition_no, z.condition_no AS baseline_no
FROM conditions AS c
LEFT JOIN models AS m USING (model_id)
LEFT JOIN directions AS d USING (direction_id)
LEFT JOIN baselines AS b
    ON b.model_id = c.model_id
    AND b.protocol = c.protocol
    AND b.protocol_fields IS NOT DISTINCT FROM c.protocol_fields
    AND b.decoding IS NOT DISTINCT FROM c.decoding
    AND b.dtype = c.dtype
LEFT JOIN condition_keys AS k ON k.condition_id = c.condition_id
LEFT JOIN condition_keys AS z ON z.condition_id = b.baseline_id;
