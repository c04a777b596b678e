-- At which doses was a candidate run, and none of its controls?
--
-- Grain: one row per candidate, set and dose, where some of its controls were run on the set.
WITH
doses AS (
    SELECT DISTINCT parent_id, set_name, baseline_id, round(alpha, 9) AS alpha
    FROM accuracy_by_alpha
    WHERE role = 'control'
)
SELECT a.direction_id, a.direction AS candidate, a.set_name, a.protocol, a.alpha,
    (a.gained - a.lost) / nullif(a.n_pairs, 0) AS estimate
FROM accuracy_by_alpha AS a
JOIN sets_overview AS v ON v.set_name = a.set_name AND v.split <> 'train'
WHERE a.role = 'candidate' AND a.alpha <> 0
    AND EXISTS (
        SELECT 1 FROM doses AS d
        WHERE d.parent_id = a.direction_id AND d.set_name = a.set_name
            AND d.baseline_id = a.baseline_id
    )
    AND NOT EXISTS (
        SELECT 1 FROM doses AS d
        WHERE d.parent_id = a.direction_id AND d.set_name = a.set_name
            AND d.baseline_id = a.baseline_id AND d.alpha = round(a.alpha, 9)
    )
ORDER BY candidate, a.set_name, a.alpha;
