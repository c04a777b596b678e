-- Which conditions have outcomes for a part of a test set, and of no set for all?
--
-- Grain: one row per steered condition and set; what a sequential plan ended is left out.
WITH
covered AS (
    SELECT a.condition_id, a.direction, a.role, a.protocol, a.alpha, a.set_name, a.n, v.n AS size,
        v.split, a.n >= v.n * a.n_seeds AS whole
    FROM accuracy_by_alpha AS a
    JOIN sets_overview AS v USING (set_name)
    WHERE a.direction_id IS NOT NULL
)
SELECT condition_id, direction, role, protocol, alpha, set_name, n, size
FROM covered
WHERE NOT whole AND split <> 'train'
    AND condition_id NOT IN (SELECT condition_id FROM covered WHERE whole)
    AND condition_id NOT IN (SELECT condition_id FROM stops)
ORDER BY set_name, direction, alpha;
