-- The effect of every control direction beside that of the candidate that it is a control of.
--
-- Grain: one row per (control condition, set), seeds pooled. A control names its candidate by
-- parent_id; the candidate's columns are NULL where it was not run in the same way and dose.
--
-- Columns:
--   n_pairs, gained, lost, candidate_n_pairs, candidate_gained, candidate_lost   by the primary
--                                  estimand, on the same problems: those with a pair under the
--                                  candidate and under each of its controls at this dose that has any
--   estimate, candidate_estimate   (gained - lost) / n_pairs: a fraction of the pairs
--   candidate_stop                 why a sequential plan ended the candidate before the last problem:
--                                  its own outcomes chose the problems, so no rank is a test
--   candidate, candidate_id        the direction that this one is norm-matched to
--   effect                         total or direct, as in `conditions`
CREATE OR REPLACE VIEW control_effects AS
WITH
effects AS (SELECT * FROM accuracy_by_alpha WHERE direction_id IS NOT NULL),
beside AS (
    SELECT
        x.*, y.condition_id AS candidate_condition, y.n_pairs AS candidate_n_pairs,
        y.gained AS candidate_gained, y.lost AS candidate_lost,
        CASE WHEN y.n < s.n * y.n_seeds THEN e.stop END AS candidate_stop,
        -- Whole sets without a missing outcome have the same pairs, and need no second look.
        x.n_missing + y.n_missing > 0 OR x.n_seeds != y.n_seeds
            OR least(x.n, y.n) < coalesce(s.n * x.n_seeds, x.n + y.n) AS uneven
    FROM effects AS x
    LEFT JOIN effects AS y
        ON y.direction_id = x.parent_id
        AND y.baseline_id = x.baseline_id
        AND y.set_name IS NOT DISTINCT FROM x.set_name
        AND y.site IS NOT DISTINCT FROM x.site
        AND y.schedule IS NOT DISTINCT FROM x.schedule
        AND y.operator IS NOT DISTINCT FROM x.operator
        AND y.effect IS NOT DISTINCT FROM x.effect
        AND y.alpha = x.alpha
    LEFT JOIN sets_overview AS s ON s.set_name = x.set_name
    LEFT JOIN stops AS e ON e.condition_id = y.condition_id AND e.set_name = x.set_name
    WHERE x.role = 'control'
),
-- Comparisons whose directions may not have the same problems, and all that takes part in them.
uneven AS (SELECT DISTINCT candidate_condition, set_name FROM beside WHERE uneven),
members AS (
    SELECT b.condition_id, u.candidate_condition, u.set_name
    FROM uneven AS u
    JOIN beside AS b
        ON b.candidate_condition = u.candidate_condition
        AND b.set_name IS NOT DISTINCT FROM u.set_name
        AND b.n_pairs > 0
    UNION ALL
    SELECT candidate_condition, candidate_condition, set_name FROM uneven
),
pairs AS (
    SELECT
        m.condition_id, m.candidate_condition, m.set_name, x.problem_id, x.seed, x.gained, x.lost,
        -- A problem that every member has is there once for each.
        count(*) OVER (
            PARTITION BY m.candidate_condition, m.set_name, x.problem_id, x.seed
        ) AS n_having
    FROM members AS m
    JOIN paired_outcomes AS x ON x.condition_id = m.condition_id AND x.gained IS NOT NULL
    LEFT JOIN problem_sets AS s ON s.problem_id = x.problem_id
    WHERE s.set_name IS NOT DISTINCT FROM m.set_name
),
recounted AS (
    SELECT
        p.condition_id, p.set_name, count(*) AS n_pairs, count(*) FILTER (p.gained) AS gained,
        count(*) FILTER (p.lost) AS lost
    FROM pairs AS p
    JOIN (
        SELECT candidate_condition, set_name, count(*) AS n_members FROM members GROUP BY ALL
    ) AS m
        ON m.candidate_condition = p.candidate_condition
        AND m.set_name IS NOT DISTINCT FROM p.set_name
        AND m.n_members = p.n_having
    GROUP BY p.condition_id, p.set_name
),
counted AS (
    SELECT
        b.* EXCLUDE (n_pairs, gained, lost, candidate_n_pairs, candidate_gained, candidate_lost),
        CASE WHEN u.candidate_condition IS NULL THEN b.n_pairs ELSE coalesce(r.n_pairs, 0) END
            AS n_pairs,
        CASE WHEN u.candidate_condition IS NULL THEN b.gained ELSE coalesce(r.gained, 0) END
            AS gained,
        CASE WHEN u.candidate_condition IS NULL THEN b.lost ELSE coalesce(r.lost, 0) END AS lost,
        CASE WHEN u.candidate_condition IS NULL THEN b.candidate_n_pairs
            ELSE coalesce(q.n_pairs, 0) END AS candidate_n_pairs,
        CASE WHEN u.candidate_condition IS NULL THEN b.candidate_gained
            ELSE coalesce(q.gained, 0) END AS candidate_gained,
        CASE WHEN u.candidate_condition IS NULL THEN b.candidate_lost
            ELSE coalesce(q.lost, 0) END AS candidate_lost
    FROM beside AS b
    LEFT JOIN uneven AS u
        ON u.candidate_condition = b.candidate_condition
        AND u.set_name IS NOT DISTINCT FROM b.set_name
    LEFT JOIN recounted AS r
        ON r.condition_id = b.condition_id AND r.set_name IS NOT DISTINCT FROM b.set_name
    LEFT JOIN recounted AS q
        ON q.condition_id = b.candidate_condition AND q.set_name IS NOT DISTINCT FROM b.set_name
)
SELECT
    x.model, x.protocol, x.decoding, x.dtype, x.set_name, x.direction, x.kind, x.site,
    x.schedule, x.operator, x.effect, x.alpha,
    x.selection, x.selected_on_outcome, x.n_seeds, x.n_pairs, x.gained, x.lost,
    (x.gained - x.lost) / nullif(x.n_pairs, 0) AS estimate,
    d.name AS candidate, x.candidate_n_pairs, x.candidate_gained, x.candidate_lost,
    (x.candidate_gained - x.candidate_lost) / nullif(x.candidate_n_pairs, 0) AS candidate_estimate,
    x.candidate_stop, x.condition_id, x.baseline_id, x.direction_id, x.parent_id AS candidate_id
FROM counted AS x
LEFT JOIN named_directions AS d ON d.direction_id = x.parent_id
ORDER BY x.model, x.protocol, x.set_name, candidate, x.alpha, x.direction, x.condition_id;
