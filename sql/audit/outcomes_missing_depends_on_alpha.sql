-- How many answers could not be read, or are missing, at each dose of a candidate?
--
-- Grain: one row per candidate, set and dose, the baseline at 0 among them.
--
-- Parameters:
--   $direction VARCHAR = NULL: name of a candidate, NULL for all
SELECT a.direction, a.set_name, a.protocol, a.alpha, a.n, a.n_unreadable, a.n_missing,
    a.accuracy, a.complete_accuracy
FROM accuracy_by_alpha AS a
LEFT JOIN sets_overview AS v USING (set_name)
WHERE coalesce(v.split, '') <> 'train' AND (a.direction_id IS NULL OR a.role = 'candidate')
    AND ($direction::VARCHAR IS NULL OR a.direction IS NULL OR a.direction = $direction::VARCHAR)
ORDER BY a.set_name, a.protocol, a.direction, a.alpha;
