-- Where does the pooled difference have another sign than that of every stratum?
--
-- Grain: one row per steered condition, set and scheme of strata.
--
-- Columns:
--   pooled            accuracy less that of the baseline, over the whole set
--   least, largest    the same over the strata
WITH
pooled AS (
    SELECT a.condition_id, a.set_name, a.direction, a.protocol, a.alpha,
        a.accuracy - b.accuracy AS pooled
    FROM accuracy_by_alpha AS a
    JOIN accuracy_by_alpha AS b
        ON b.condition_id = a.baseline_id AND b.set_name IS NOT DISTINCT FROM a.set_name
    WHERE a.role = 'candidate'
),
strata_ AS (
    SELECT a.condition_id, a.set_name, a.scheme, a.level, a.accuracy - b.accuracy AS difference
    FROM accuracy_by_stratum AS a
    JOIN accuracy_by_stratum AS b
        ON b.condition_id = a.baseline_id AND b.set_name IS NOT DISTINCT FROM a.set_name
        AND b.scheme = a.scheme AND b.level = a.level
    WHERE a.role = 'candidate' AND NOT a.cut_from_baseline
)
SELECT p.direction, p.protocol, p.set_name, p.alpha, s.scheme, p.pooled,
    min(s.difference) AS least, max(s.difference) AS largest, count(*) AS strata, p.condition_id
FROM pooled AS p
JOIN strata_ AS s
    ON s.condition_id = p.condition_id AND s.set_name IS NOT DISTINCT FROM p.set_name
GROUP BY ALL
HAVING count(*) > 1 AND (max(s.difference) < 0 AND p.pooled > 0 OR min(s.difference) > 0 AND p.pooled < 0)
ORDER BY p.direction, p.alpha, s.scheme;
