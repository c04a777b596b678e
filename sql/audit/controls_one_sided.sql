-- Which controls were run at doses of one sign, or at a single dose?
--
-- Grain: one row per candidate, kind of its controls and set.
--
-- Columns:
--   doses, candidate_doses   what the controls and the candidate were run at, without 0
WITH
doses AS (
    SELECT a.set_name, a.protocol, a.baseline_id, a.role, a.kind,
        coalesce(a.parent_id, a.direction_id) AS candidate_id,
        list(DISTINCT a.alpha ORDER BY a.alpha) AS doses
    FROM accuracy_by_alpha AS a
    JOIN sets_overview AS v ON v.set_name = a.set_name AND v.split <> 'train'
    WHERE a.direction_id IS NOT NULL AND a.alpha <> 0
    GROUP BY ALL
)
SELECT d.direction_id, d.name AS candidate, c.kind AS control_kind, c.set_name, c.protocol,
    c.doses, x.doses AS candidate_doses
FROM doses AS c
JOIN doses AS x
    ON x.role = 'candidate' AND x.candidate_id = c.candidate_id AND x.set_name = c.set_name
    AND x.baseline_id = c.baseline_id
JOIN named_directions AS d ON d.direction_id = c.candidate_id
WHERE c.role = 'control' AND list_min(c.doses) * list_max(c.doses) >= 0 AND len(x.doses) > 1
ORDER BY candidate, c.set_name, control_kind;
