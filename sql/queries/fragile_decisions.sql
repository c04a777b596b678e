-- Would a test decide otherwise without its fragile pairs, or with each of them against it?
--
-- Grain: one row per (steered condition, set, seed).
--
-- Parameters:
--   $set_name VARCHAR = primary: problem set
--   $level DOUBLE = 0.05: the p-value below which a test decides
-- Columns:
--   stop                    why a sequential plan ended it: see `stops`. Every p is then the one that
--                           holds however often one looked, and mid-p elsewhere
--   p, p_without            p of all pairs, and without pairs fragile on either side
--   p_worst                 p after every fragile pair of the larger side is counted as unchanged
--   decision_changes        p and either of the others lie on two sides of the level
WITH
counts AS (
    SELECT
        x.condition_id, s.set_name, e.stop, x.seed, x.model, x.protocol, x.direction, x.alpha,
        count(*) FILTER (x.gained) AS gained,
        count(*) FILTER (x.lost) AS lost,
        count(*) FILTER (x.gained AND (x.fragile OR x.baseline_fragile)) AS fragile_gained,
        count(*) FILTER (x.lost AND (x.fragile OR x.baseline_fragile)) AS fragile_lost
    FROM paired_outcomes AS x
    JOIN problem_sets AS s ON s.problem_id = x.problem_id AND s.set_name = $set_name
    LEFT JOIN stops AS e ON e.condition_id = x.condition_id AND e.set_name = s.set_name
    GROUP BY ALL
),
-- What is left of each side without its fragile pairs, and at the worst.
kept AS (
    SELECT
        *,
        gained - fragile_gained AS firm_gained,
        lost - fragile_lost AS firm_lost,
        CASE WHEN gained >= lost THEN greatest(gained - fragile_gained, lost) ELSE gained END
            AS worst_gained,
        CASE WHEN gained >= lost THEN lost ELSE greatest(lost - fragile_lost, gained) END
            AS worst_lost
    FROM counts
),
tests AS (
    SELECT
        *,
        CASE WHEN stop IS NULL THEN mcnemar_midp(gained, lost) ELSE anytime_p(gained, lost) END
            AS p,
        CASE
            WHEN stop IS NULL THEN mcnemar_midp(firm_gained, firm_lost)
            ELSE anytime_p(firm_gained, firm_lost)
        END AS p_without,
        CASE
            WHEN stop IS NULL THEN mcnemar_midp(worst_gained, worst_lost)
            ELSE anytime_p(worst_gained, worst_lost)
        END AS p_worst
    FROM kept
)
SELECT
    model, protocol, set_name, direction, alpha, seed, gained, lost, fragile_gained, fragile_lost,
    stop, p, p_without, p_worst,
    (p < $level) != (p_without < $level) OR (p < $level) != (p_worst < $level)
        AS decision_changes,
    condition_id
FROM tests
ORDER BY decision_changes DESC, model, protocol, direction, alpha, seed, condition_id;
