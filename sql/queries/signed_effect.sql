-- What is direction and what is damage? Half the difference and half the sum of +alpha and -alpha.
--
-- Grain: one row per (direction, its way of being applied, set, |alpha|) run at both signs.
--
-- Parameters:
--   $set_name VARCHAR = primary: problem set
-- Columns (fractions of the pairs):
--   signed   [f(+a) - f(-a)] / 2: what the direction does beyond pushing
--   damage   [f(+a) + f(-a)] / 2, f counted from the baseline: what any push does
WITH
effects AS (
    SELECT
        model, protocol, set_name, direction, role, direction_id, baseline_id, site, schedule,
        operator, effect, alpha, (gained - lost) / nullif(n_pairs, 0) AS estimate
    FROM accuracy_by_alpha
    WHERE set_name = $set_name AND direction_id IS NOT NULL
)
SELECT
    u.model, u.protocol, u.set_name, u.direction, u.role, u.alpha,
    u.estimate AS up, d.estimate AS down,
    (u.estimate - d.estimate) / 2 AS signed,
    (u.estimate + d.estimate) / 2 AS damage
FROM effects AS u
JOIN effects AS d
    ON d.direction_id = u.direction_id
    AND d.baseline_id = u.baseline_id
    AND d.site IS NOT DISTINCT FROM u.site
    AND d.schedule IS NOT DISTINCT FROM u.schedule
    AND d.operator IS NOT DISTINCT FROM u.operator
    AND d.effect IS NOT DISTINCT FROM u.effect
    AND d.alpha = -u.alpha
WHERE u.alpha > 0
ORDER BY u.model, u.protocol, u.role, u.direction, u.alpha, u.site, u.schedule, u.operator,
    u.effect;
