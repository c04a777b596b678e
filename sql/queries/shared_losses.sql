-- Does a candidate lose the same problems as its random controls? Overlap of what each one loses.
--
-- Grain: one row per (candidate's condition, its control's condition, seed).
--
-- Parameters:
--   $alpha DOUBLE = -3.0: dose
-- Columns (problems that neither direction nor the baseline lacks an outcome of):
--   n          those problems; an answer that cannot be read is lost where the baseline was right
--   lost, control_lost, lost_by_both
--   jaccard    lost_by_both / (lost by either): near 1, any push loses the same problems
WITH
losses AS (
    SELECT x.*, d.parent_id, c.baseline_id
    FROM paired_outcomes AS x
    JOIN directions AS d USING (direction_id)
    JOIN condition_details AS c ON c.condition_id = x.condition_id
    WHERE x.alpha = $alpha AND x.lost IS NOT NULL
)
SELECT
    a.model, a.protocol, a.direction, b.direction AS control, a.alpha, a.seed, count(*) AS n,
    count(*) FILTER (a.lost) AS lost,
    count(*) FILTER (b.lost) AS control_lost,
    count(*) FILTER (a.lost AND b.lost) AS lost_by_both,
    count(*) FILTER (a.lost AND b.lost) / nullif(count(*) FILTER (a.lost OR b.lost), 0) AS jaccard,
    a.condition_id, b.condition_id AS control_condition_id
FROM losses AS a
JOIN losses AS b
    ON b.parent_id = a.direction_id
    AND b.baseline_id = a.baseline_id
    AND b.problem_id = a.problem_id
    AND b.seed = a.seed
    AND b.site IS NOT DISTINCT FROM a.site
    AND b.schedule IS NOT DISTINCT FROM a.schedule
    AND b.operator IS NOT DISTINCT FROM a.operator
    AND b.effect IS NOT DISTINCT FROM a.effect
GROUP BY
    a.model, a.protocol, a.direction, b.direction, a.alpha, a.seed, a.condition_id, b.condition_id
ORDER BY a.model, a.protocol, a.direction, jaccard DESC NULLS LAST, control, a.seed;
