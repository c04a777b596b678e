-- Accuracy and paired changes within every stratum of every scheme, per condition and set.
--
-- Grain: one row per (condition, set, scheme, level), seeds pooled. Scheme n_steps is always there;
-- problems without a level in a scheme are in none of its rows.
--
-- Columns:
--   cut_from_baseline     the scheme was read off a run that made this baseline: such strata invent
--                         effects of either sign, refuse them
--   selected_on_outcome   the set was balanced on the baseline outcome
--   n, n_correct, n_unreadable, n_missing, accuracy, complete_accuracy, n_pairs, gained, lost,
--   baseline_n_correct, complete_..., maybe_..., became_...   as in `accuracy_by_alpha`
CREATE OR REPLACE VIEW accuracy_by_stratum AS
WITH
-- The counts of each class, spread over the sets and strata that its problems are in.
counts AS (
    SELECT
        k.condition_no, s.set_name, t.scheme, t.level,
        count(DISTINCT k.seed) AS n_seeds,
        CAST(sum(COLUMNS(k.* EXCLUDE (condition_no, seed, class_no))) AS BIGINT)
    FROM class_counts AS k
    JOIN problem_keys AS p ON p.problem_no = k.class_no
    LEFT JOIN problem_sets AS s ON s.problem_id = p.problem_id
    JOIN problem_strata AS t ON t.problem_id = p.problem_id
    GROUP BY k.condition_no, s.set_name, t.scheme, t.level
),
-- Schemes that were read off a run, with the baselines that this run made.
cut AS (
    SELECT DISTINCT t.scheme, b.condition_no AS baseline_no
    FROM (SELECT DISTINCT scheme, run_id FROM strata WHERE run_id IS NOT NULL) AS t
    JOIN run_keys AS r USING (run_id)
    JOIN (SELECT DISTINCT condition_no, run_no FROM baseline_rows) AS b USING (run_no)
)
SELECT
    c.model, c.protocol, c.decoding, c.dtype, x.set_name, c.direction, c.kind, c.role,
    c.site, c.schedule, c.operator, c.effect, c.alpha, x.scheme, x.level,
    v.selection, coalesce(v.selected_on_outcome, false) AS selected_on_outcome,
    cut.scheme IS NOT NULL AS cut_from_baseline, x.n_seeds,
    x.n, x.n_correct, x.n_unreadable, x.n_missing,
    x.n_correct / nullif(x.n - x.n_missing, 0) AS accuracy,
    x.n_correct / nullif(x.n - x.n_missing - x.n_unreadable, 0) AS complete_accuracy,
    x.gained + x.lost + x.stayed_right + x.stayed_wrong AS n_pairs,
    x.gained, x.lost, x.stayed_right + x.lost AS baseline_n_correct,
    x.complete_gained + x.complete_lost + x.complete_unchanged AS complete_n_pairs,
    x.complete_gained, x.complete_lost,
    x.maybe_gained, x.maybe_lost, x.maybe_either, x.became_unreadable, x.became_readable,
    c.condition_id, c.baseline_id, c.direction_id, c.parent_id
FROM counts AS x
JOIN condition_details AS c USING (condition_no)
LEFT JOIN sets_overview AS v USING (set_name)
LEFT JOIN cut ON cut.scheme = x.scheme AND cut.baseline_no = c.baseline_no
ORDER BY c.model, c.protocol, x.set_name, c.role NULLS FIRST, c.direction, c.alpha, x.scheme,
    x.level, c.condition_id;
