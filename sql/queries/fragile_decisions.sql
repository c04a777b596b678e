-- Would a test decide otherwise without its fragile pairs, or with each of them against it?
--
-- Grain: one row per (steered condition, set, seed).
--
-- Parameters:
--   $set_name VARCHAR = primary: problem set
--   $level DOUBLE = 0.05: the p-value below which a test decides
-- Columns:
--   p, p_without            mid-p of all pairs, and without pairs fragile on either side
--   p_worst                 mid-p after every fragile pair of the larger side is counted as unchanged
--   decision_changes        p and either of the others lie on two sides of the level
WITH
counts AS (
    SELECT
        x.condition_id, s.set_name, x.seed, x.model, x.protocol, x.direction, x.alpha,
        count(*) FILTER (x.gained) AS gained,
        count(*) FILTER (x.lost) AS lost,
        count(*) FILTER (x.gained AND (x.fragile OR x.baseline_fragile)) AS fragile_gained,
        count(*) FILTER (x.lost AND (x.fragile OR x.baseline_fragile)) AS fragile_lost
    FROM paired_outcomes AS x
    JOIN problem_sets AS s ON s.problem_id = x.problem_id AND s.set_name = $set_name
    GROUP BY ALL
),
tests AS (
    SELECT
        *,
        mcnemar_midp(gained, lost) AS p,
        mcnemar_midp(gained - fragile_gained, lost - fragile_lost) AS p_without,
        CASE
            WHEN gained >= lost THEN mcnemar_midp(greatest(gained - fragile_gained, lost), lost)
            ELSE mcnemar_midp(gained, greatest(lost - fragile_lost, gained))
        END AS p_worst
    FROM counts
)
SELECT
    model, protocol, set_name, direction, alpha, seed, gained, lost, fragile_gained, fragile_lost,
    p, p_without, p_worst,
    (p < $level) != (p_without < $level) OR (p < $level) != (p_worst < $level)
        AS decision_changes
FROM tests
ORDER BY decision_changes DESC, model, protocol, direction, alpha, seed, condition_id;
