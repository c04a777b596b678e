-- Gained and lost pairs per condition, set and seed: what McNemar's test and Tango's interval take.
--
-- Grain: one row per (condition, set, seed); set_name is NULL for problems of no set, and a problem
-- of two sets counts in both. Baselines are rows too, paired with themselves. One seed a row,
-- because pooling several seeds of one problem as if they were problems makes tests too small.
--
-- Columns:
--   n, n_missing, n_correct    outcomes; a missing one has no `correct` and is never counted wrong
--   n_pairs                    problems with both outcomes known
--   gained, lost               pairs that turn right, that turn wrong
--   stayed_right, stayed_wrong other pairs
CREATE OR REPLACE VIEW discordant AS
WITH
-- The counts of each class, spread over the sets that its problems are in.
counts AS (
    SELECT
        k.condition_no, s.set_name, k.seed,
        CAST(sum(k.n) AS BIGINT) AS n,
        CAST(coalesce(sum(k.n) FILTER (k.correct IS NULL), 0) AS BIGINT) AS n_missing,
        CAST(coalesce(sum(k.n) FILTER (k.correct), 0) AS BIGINT) AS n_correct,
        CAST(coalesce(sum(k.n) FILTER (k.correct > k.baseline_correct), 0) AS BIGINT) AS gained,
        CAST(coalesce(sum(k.n) FILTER (k.correct < k.baseline_correct), 0) AS BIGINT) AS lost,
        CAST(coalesce(sum(k.n) FILTER (k.correct AND k.baseline_correct), 0) AS BIGINT)
            AS stayed_right,
        CAST(coalesce(sum(k.n) FILTER (NOT k.correct AND NOT k.baseline_correct), 0) AS BIGINT)
            AS stayed_wrong
    FROM class_counts AS k
    JOIN problem_keys AS p ON p.problem_no = k.class_no
    LEFT JOIN problem_sets AS s ON s.problem_id = p.problem_id
    GROUP BY k.condition_no, s.set_name, k.seed
)
SELECT
    c.model, c.protocol, c.decoding, c.dtype, t.set_name, c.direction, c.kind, c.role,
    c.site, c.schedule, c.operator, c.effect, c.alpha, t.seed,
    v.selection, coalesce(v.selected_on_outcome, false) AS selected_on_outcome,
    t.n, t.n_missing, t.n_correct,
    t.gained + t.lost + t.stayed_right + t.stayed_wrong AS n_pairs,
    t.gained, t.lost, t.stayed_right, t.stayed_wrong,
    c.condition_id, c.baseline_id, c.direction_id, c.parent_id
FROM counts AS t
JOIN condition_details AS c USING (condition_no)
LEFT JOIN sets_overview AS v USING (set_name)
ORDER BY c.model, c.protocol, t.set_name, c.role NULLS FIRST, c.direction, c.alpha, t.seed,
    c.condition_id;
