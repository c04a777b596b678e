-- Every condition with its dose, and the condition under which those alike but for rounding are joined.
--
-- Grain: one row per condition.
--
-- Columns:
--   alpha       dose as it is stored: stores of before have 0.30000000000000004 beside 0.3
--   dose        the dose with the 12 significant digits that count
--   joined_id   first condition of the same model, direction, dose and setting
--   n_alike     conditions that are joined with this one, itself included
CREATE OR REPLACE VIEW condition_doses AS
SELECT
    condition_id, direction_id, alpha, dose(alpha) AS dose,
    min(condition_id) OVER alike AS joined_id, count(*) OVER alike AS n_alike
FROM conditions
WINDOW
    alike AS (
        PARTITION BY
            model_id, direction_id, dose(alpha), schedule, site, operator, effect, protocol,
            protocol_fields, decoding, dtype
    )
ORDER BY direction_id NULLS FIRST, dose, alpha, condition_id;
