-- Which candidates were steered with and have no controls of their own with outcomes?
--
-- Grain: one row per candidate and test set.
SELECT DISTINCT a.direction_id, a.direction, a.set_name, a.protocol
FROM accuracy_by_alpha AS a
LEFT JOIN sets_overview AS v USING (set_name)
WHERE a.role = 'candidate' AND coalesce(v.split, '') <> 'train'
    AND NOT EXISTS (
        SELECT 1 FROM accuracy_by_alpha AS c
        WHERE c.parent_id = a.direction_id AND c.role = 'control'
            AND c.set_name IS NOT DISTINCT FROM a.set_name
    )
ORDER BY a.direction, a.set_name;
