-- Every condition with the names behind its ids and the baseline that it is compared with.
--
-- Grain: one row per condition; a baseline has no direction and is its own (`condition_baselines`
-- says which it is).
--
-- Columns:
--   model, protocol, protocol_fields, decoding, dtype   what decides the baseline
--   direction, direction_id, kind, role, parent_id      NULL for a baseline
--   site, schedule, operator, effect, alpha             how the direction is applied; alpha: dose
--   condition_no, baseline_no   their numbers in this file; NULL where nothing was collected
CREATE OR REPLACE VIEW condition_details AS
SELECT
    c.condition_id, b.baseline_id, c.model_id, m.name AS model, c.protocol, c.protocol_fields,
    c.decoding, c.dtype, d.name AS direction, c.direction_id, d.kind, d.role, d.parent_id,
    c.site, c.schedule, c.operator, c.effect, c.alpha, b.condition_no, b.baseline_no
FROM conditions AS c
JOIN condition_baselines AS b USING (condition_id)
LEFT JOIN models AS m USING (model_id)
LEFT JOIN named_directions AS d USING (direction_id);
