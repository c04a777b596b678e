-- The plans of the store, and when candidates were first steered.
--
-- Grain: one row per plan and candidate with outcomes; plan columns are NULL where there is no plan.
WITH
seen AS (
    SELECT c.direction, min(r.created_at) AS first_steered
    FROM outcome_rows AS o
    JOIN condition_details AS c ON c.condition_no = o.condition_no AND c.role = 'candidate'
    JOIN run_keys AS k USING (run_no)
    JOIN runs AS r USING (run_id)
    GROUP BY c.direction
)
SELECT s.direction, s.first_steered, p.plan_id, p.frozen_at, p.superseded,
    p.frozen_at <= s.first_steered AS before_data
FROM seen AS s
LEFT JOIN plans AS p ON true
ORDER BY s.direction, p.frozen_at;
