-- Where the contrasts of sequential plans ended, and why: what was decided early stays a result.
--
-- Grain: one row per (condition, set) whose end a plan recorded. Of several records the first that
-- decided counts, else that of most problems. A p for a fixed number of problems says nothing of
-- such a condition: its test is the e-value. So it is of a contrast that such a plan names and that
-- was steered after the plan was frozen, but collected or imported without it: on a whole set the
-- row says `no end recorded`.
--
-- Columns:
--   stop          decided: the e-value sufficed; futile: it could hardly get there any more, and
--                 never rejects; ran to the end: all problems were used; no end recorded: all
--                 problems were used, and not by the plan
--   n, planned_n  problems up to there, and in all
--   gained, lost  among the first n, as they were then; NULL where no end was recorded
--   p_anytime     min(1, 1/e) at the stop; NULL from earlier versions, which left unreadable
--                 answers out
--   family_size   tests of the plan: its family, whichever of them ended early
--   level         that one test of the family has to pass
CREATE OR REPLACE VIEW stops AS
WITH
recorded AS (
    SELECT
        r.status, r.n, r.gained, r.lost, r.family_size, r.name, a.plan_id,
        json_extract_string(r.contrast, '$.condition_id') AS condition_id,
        json_extract_string(r.contrast, '$.set_name') AS set_name,
        json_extract_string(r.contrast, '$.direction') AS direction,
        CAST(json_extract_string(r.contrast, '$.alpha') AS DOUBLE) AS alpha,
        CAST(round(r.n / nullif(1 - r.estimate, 0)) AS BIGINT) AS planned_n,
        CASE
            WHEN json_extract_string(a.parameters, '$.estimand') IS NOT NULL THEN r.p
        END AS p_anytime,
        CAST(json_extract_string(a.parameters, '$.level') AS DOUBLE) AS level
    FROM results AS r
    JOIN analyses AS a USING (analysis_id)
    WHERE a.method = 'sequential stop'
),
-- What an earlier version recorded names no condition: those that the plan's runs steered so.
named AS (
    SELECT DISTINCT r.* REPLACE (c.condition_id AS condition_id)
    FROM recorded AS r
    JOIN condition_details AS c ON c.direction = r.direction AND c.alpha = r.alpha
    JOIN runs AS u ON u.plan_id = r.plan_id
    JOIN run_keys AS k ON k.run_id = u.run_id
    JOIN outcome_rows AS o ON o.condition_no = c.condition_no AND o.run_no = k.run_no
    WHERE r.condition_id IS NULL
),
ended AS (
    SELECT DISTINCT ON (condition_id, set_name)
        condition_id, set_name, direction, alpha, name,
        CASE status WHEN 'continue' THEN 'ran to the end' ELSE status END AS stop,
        n, planned_n, gained, lost, p_anytime, family_size, level, plan_id
    FROM (
        SELECT * FROM recorded WHERE condition_id IS NOT NULL
        UNION ALL
        SELECT * FROM named
    )
    ORDER BY
        condition_id, set_name, status != 'decided',
        CASE WHEN status = 'decided' THEN n ELSE -n END, plan_id, name
),
-- The tests of the sequential plan that is in force, as they were frozen.
planned AS (
    SELECT
        r.name, r.n AS planned_n, r.family_size, a.plan_id, p.frozen_at,
        json_extract_string(r.contrast, '$.direction') AS direction,
        json_extract_string(r.contrast, '$.set_name') AS set_name,
        json_extract_string(r.contrast, '$.protocol') AS protocol,
        CAST(json_extract_string(r.contrast, '$.alpha') AS DOUBLE) AS alpha,
        CAST(json_extract_string(a.parameters, '$.level') AS DOUBLE) AS level
    FROM results AS r
    JOIN analyses AS a USING (analysis_id)
    JOIN (
        SELECT plan_id, min(frozen_at) AS frozen_at
        FROM plans
        GROUP BY plan_id
        HAVING count(superseded) = 0
    ) AS p ON p.plan_id = a.plan_id
    WHERE a.method = 'sequential plan'
),
sizes AS (SELECT set_name, count(*) AS size FROM problem_sets GROUP BY set_name),
first_runs AS (
    SELECT d.direction, min(u.created_at) AS seen
    FROM (SELECT DISTINCT condition_no, run_no FROM outcome_rows) AS x
    JOIN condition_details AS d ON d.condition_no = x.condition_no
    JOIN run_keys AS y ON y.run_no = x.run_no
    JOIN runs AS u ON u.run_id = y.run_id
    WHERE d.direction IN (SELECT direction FROM planned)
    GROUP BY d.direction
),
-- Conditions of these tests that were first steered after the plan was frozen, on a whole set.
without_end AS (
    SELECT
        c.condition_id, l.set_name, l.direction, l.alpha, l.name, l.planned_n, l.family_size,
        l.level, l.plan_id, count(DISTINCT o.problem_no) AS n
    FROM planned AS l
    JOIN condition_details AS c
        ON c.direction = l.direction
        AND abs(c.alpha - l.alpha) <= 1e-9
        AND coalesce(l.protocol, '') IN ('', c.protocol)
    JOIN outcome_rows AS o ON o.condition_no = c.condition_no
    JOIN problem_keys AS k ON k.problem_no = o.problem_no
    JOIN problem_sets AS s ON s.problem_id = k.problem_id AND s.set_name = l.set_name
    JOIN sizes AS t ON t.set_name = l.set_name
    JOIN first_runs AS f ON f.direction = l.direction AND f.seen >= l.frozen_at
    GROUP BY ALL
    HAVING n >= any_value(t.size)
)
SELECT * FROM ended
UNION ALL
SELECT
    w.condition_id, w.set_name, w.direction, w.alpha, w.name, 'no end recorded', w.n, w.planned_n,
    NULL, NULL, NULL, w.family_size, w.level, w.plan_id
FROM without_end AS w
ANTI JOIN ended AS e ON e.condition_id = w.condition_id AND e.set_name = w.set_name
ORDER BY condition_id, set_name;
