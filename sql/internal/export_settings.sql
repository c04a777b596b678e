-- What was collected with a direction, at which settings? An export is of one of them.
--
-- Grain: one row per (direction, setting); a direction at alpha 0 steers nothing and is none.
--
-- Columns:
--   condition_id   one condition of the setting, which stands for it
--
-- Parameters:
--   $direction VARCHAR = NULL: its name or id; NULL for any candidate
SELECT
    d.name AS direction, d.direction_id, c.model_id, c.model, c.protocol, c.protocol_fields,
    c.decoding, c.dtype, c.site, c.schedule, c.operator, c.effect,
    min(c.condition_id) AS condition_id
FROM condition_details AS c
JOIN directions AS d USING (direction_id)
WHERE c.alpha != 0
    AND (
        $direction IN (d.name, d.direction_id)
        OR ($direction IS NULL AND d.role = 'candidate')
    )
GROUP BY ALL
ORDER BY ALL;
