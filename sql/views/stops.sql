-- Where the contrasts of sequential plans ended, and why: what was decided early stays a result.
--
-- Grain: one row per (condition, set) whose end a plan recorded. Of several records the first that
-- decided counts, else that of most problems. A p for a fixed number of problems says nothing of
-- such a condition: its test is the e-value.
--
-- Columns:
--   stop          decided: the e-value sufficed; futile: it could hardly get there any more, and
--                 never rejects; ran to the end: all problems were used
--   n, planned_n  problems up to there, and in all
--   gained, lost  among the first n, as they were then
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
)
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
    condition_id, set_name, status != 'decided', CASE WHEN status = 'decided' THEN n ELSE -n END,
    plan_id, name;
