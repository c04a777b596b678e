-- Gained and lost pairs per condition, set and seed: what McNemar's test and Tango's interval take.
--
-- Grain: one row per (condition, set, seed); set_name is NULL for problems of no set, and a problem
-- of two sets counts in both. Baselines are rows too, paired with themselves. One seed a row,
-- because pooling several seeds of one problem as if they were problems makes tests too small.
--
-- Columns:
--   n, n_correct, n_unreadable, n_missing   outcomes: all; right; without a readable answer (status
--                               truncated, parse_fail); missing (status error, or no verdict)
--   n_pairs, gained, lost, stayed_right, stayed_wrong   the primary estimand, a readable right
--                               answer: pairs with neither outcome missing, an unreadable one not right
--   complete_n_pairs, complete_gained, complete_lost   complete cases: pairs with both answers read
--   maybe_gained, maybe_lost, maybe_either   for worst-case bounds, beside complete_gained and
--                               complete_lost: pairs that the unread and the missing leave open
--   became_unreadable, became_readable   pairs that only steering, only the baseline left unread
CREATE OR REPLACE VIEW discordant AS
WITH
-- The counts of each class, spread over the sets that its problems are in.
counts AS (
    SELECT
        k.condition_no, s.set_name, k.seed,
        CAST(sum(COLUMNS(k.* EXCLUDE (condition_no, seed, class_no))) AS BIGINT)
    FROM class_counts AS k
    JOIN problem_keys AS p ON p.problem_no = k.class_no
    LEFT JOIN problem_sets AS s ON s.problem_id = p.problem_id
    GROUP BY k.condition_no, s.set_name, k.seed
)
SELECT
    c.model, c.protocol, c.decoding, c.dtype, t.set_name, c.direction, c.kind, c.role,
    c.site, c.schedule, c.operator, c.effect, c.alpha, t.seed,
    v.selection, coalesce(v.selected_on_outcome, false) AS selected_on_outcome,
    t.n, t.n_correct, t.n_unreadable, t.n_missing,
    t.gained + t.lost + t.stayed_right + t.stayed_wrong AS n_pairs,
    t.gained, t.lost, t.stayed_right, t.stayed_wrong,
    t.complete_gained + t.complete_lost + t.complete_unchanged AS complete_n_pairs,
    t.complete_gained, t.complete_lost,
    t.maybe_gained, t.maybe_lost, t.maybe_either, t.became_unreadable, t.became_readable,
    c.condition_id, c.baseline_id, c.direction_id, c.parent_id
FROM counts AS t
JOIN condition_details AS c USING (condition_no)
LEFT JOIN sets_overview AS v USING (set_name)
ORDER BY c.model, c.protocol, t.set_name, c.role NULLS FIRST, c.direction, c.alpha, t.seed,
    c.condition_id;
