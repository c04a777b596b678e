-- Doses of a direction that are one but for rounding: what `store check` names.
--
-- Grain: one row per joined condition of several.
--
-- Columns:
--   direction   its name, or the id of one without a row
--   dose        the dose that they are
--   alphas      as they are stored
SELECT
    coalesce(any_value(n.name), d.direction_id, 'baseline') AS direction, d.dose,
    list(d.alpha ORDER BY d.alpha, d.condition_id) AS alphas
FROM condition_doses AS d
LEFT JOIN directions AS n ON n.direction_id = d.direction_id
WHERE d.n_alike > 1
GROUP BY d.joined_id, d.direction_id, d.dose
ORDER BY direction, d.dose;
