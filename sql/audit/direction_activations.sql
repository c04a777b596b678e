-- Activations of a training set at one site, with the labels.
--
-- Grain: one row per problem: its vectors of all positions, one after another.
--
-- Parameters:
--   $set_name VARCHAR = NULL: the set
--   $site VARCHAR = NULL: the site
--   $protocol VARCHAR = NULL: the protocol, NULL for any
SELECT s.problem_id, s.label, flatten(list(a.values ORDER BY a.position)) AS values_
FROM problem_sets AS s
JOIN activations AS a USING (problem_id)
WHERE s.set_name = $set_name AND a.site = $site AND s.label IS NOT NULL
    AND ($protocol::VARCHAR IS NULL OR a.protocol = $protocol::VARCHAR)
GROUP BY s.problem_id, s.label
ORDER BY s.problem_id;
