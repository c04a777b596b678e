-- What was drawn at random, and without a seed that says how?
--
-- Grain: one row per run that sampled, and per random direction.
SELECT DISTINCT 'run' AS what, r.run_id AS id, r.command AS name
FROM outcome_rows AS o
JOIN run_keys AS k USING (run_no)
JOIN runs AS r USING (run_id)
JOIN condition_protocols AS p
    ON p.condition_id = (SELECT c.condition_id FROM condition_keys AS c WHERE c.condition_no = o.condition_no)
WHERE r.rng_seed IS NULL AND coalesce(p.temperature, 0) > 0
UNION ALL
SELECT 'direction', direction_id, name
FROM named_directions
WHERE role = 'control' AND (kind LIKE 'random%' OR kind LIKE 'shuffled%') AND rng_seed IS NULL
ORDER BY what, name;
