-- Which candidates are significant at their best dose, and not once the search is paid for?
--
-- Grain: one row per candidate and set.
--
-- Columns:
--   doses, least_p       doses that were tried, and the smallest p (McNemar mid-p)
--   corrected            the same, times the number of doses
WITH
tests AS (
    SELECT a.direction_id, a.direction, a.set_name, a.protocol, a.baseline_id, a.site, a.schedule,
        a.operator, a.effect, a.alpha, (a.gained - a.lost) / nullif(a.n_pairs, 0) AS estimate,
        mcnemar_midp(a.gained, a.lost) AS p
    FROM accuracy_by_alpha AS a
    LEFT JOIN sets_overview AS v USING (set_name)
    WHERE a.role = 'candidate' AND a.alpha <> 0 AND a.n_seeds = 1
        AND coalesce(v.split, '') <> 'train'
)
SELECT direction_id, direction, set_name, protocol, count(*) AS doses, min(p) AS least_p,
    least(1, min(p) * count(*)) AS corrected, arg_min(alpha, p) AS alpha,
    arg_min(estimate, p) AS estimate
FROM tests
GROUP BY direction_id, direction, set_name, protocol, baseline_id, site, schedule, operator, effect
HAVING doses > 1 AND least_p <= 0.05 AND corrected > 0.05
ORDER BY direction, set_name;
