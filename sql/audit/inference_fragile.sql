-- Which pairs of candidates changed by less than numerical noise decides?
--
-- Grain: one row per discordant pair of which an outcome is fragile.
SELECT x.condition_id, x.problem_id, x.seed, x.direction, x.protocol, x.alpha, x.gained, x.lost,
    x.baseline_readable_right, x.baseline_status
FROM paired_outcomes AS x
WHERE x.role = 'candidate' AND (x.gained OR x.lost) AND (x.fragile OR x.baseline_fragile)
ORDER BY x.direction, x.alpha, x.problem_id, x.seed;
