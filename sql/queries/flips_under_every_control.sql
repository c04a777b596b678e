-- Which problems flip under every control? They sit on the edge; no direction earned them.
--
-- Grain: one row per (baseline, way of being applied, alpha, problem) that changes under all of its
-- controls.
--
-- Parameters:
--   $alpha DOUBLE = -3.0: dose
--   $least INTEGER = 3: controls that must have run on the problem
-- Columns:
--   n_controls              controls with neither outcome missing on this problem
--   gained, lost            controls under which it turned right, wrong
SELECT
    x.model, x.protocol, x.alpha, x.problem_id, p.question, p.n_steps,
    count(DISTINCT x.direction_id) AS n_controls,
    count(DISTINCT x.direction_id) FILTER (x.gained) AS gained,
    count(DISTINCT x.direction_id) FILTER (x.lost) AS lost,
    x.decoding, x.dtype, x.site, x.schedule, x.operator, x.effect, c.baseline_id
FROM paired_outcomes AS x
JOIN condition_baselines AS c USING (condition_id)
LEFT JOIN problems AS p USING (problem_id)
WHERE x.role = 'control' AND x.alpha = $alpha AND x.gained IS NOT NULL
GROUP BY
    x.model, x.protocol, x.alpha, x.problem_id, p.question, p.n_steps, x.decoding, x.dtype, x.site,
    x.schedule, x.operator, x.effect, c.baseline_id
HAVING bool_and(x.gained OR x.lost) AND count(DISTINCT x.direction_id) >= $least
ORDER BY x.model, x.protocol, n_controls DESC, x.problem_id, c.baseline_id, x.site,
    x.schedule, x.operator, x.effect;
