-- Which problems was a direction fitted on and tested on?
--
-- Grain: one row per (direction, test set, problem).
SELECT DISTINCT d.direction_id, d.name AS direction, t.set_name AS train_set, s.set_name,
    s.problem_id
FROM named_directions AS d
JOIN problem_sets AS t ON t.set_name = json_text(d.fitted_on, '$.set')
JOIN problem_sets AS s ON s.problem_id = t.problem_id AND s.split <> 'train'
JOIN accuracy_by_alpha AS a ON a.direction_id = d.direction_id AND a.set_name = s.set_name
WHERE d.role = 'candidate'
ORDER BY d.name, s.set_name, s.problem_id;
