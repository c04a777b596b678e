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
    direction, direction_id, model_id, model, protocol, protocol_fields, decoding, dtype, site,
    schedule, operator, effect, min(condition_id) AS condition_id
FROM condition_details
WHERE direction_id IS NOT NULL
    AND alpha != 0
    AND (
        $direction IN (direction, direction_id)
        OR ($direction IS NULL AND role = 'candidate')
    )
GROUP BY ALL
ORDER BY ALL;
