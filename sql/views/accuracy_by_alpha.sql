-- Accuracy and paired changes of every condition on every problem set: the table behind the curve.
--
-- Grain: one row per (condition, set), seeds pooled (`discordant` keeps them apart); the row
-- without a direction at alpha 0 is the baseline that all directions share.
--
-- Columns:
--   baseline_id           the condition it is paired with; NULL where none was collected
--   selected_on_outcome   the set was balanced on the baseline outcome: see `sets_overview`
--   n_seeds               seeds pooled; a test on pairs needs n_seeds = 1
--   n, n_correct, n_unreadable, n_missing   outcomes (problem x seed), as in `discordant`
--   accuracy              n_correct / (n - n_missing), a fraction: an unreadable answer is not right;
--                         NULL where all are missing
--   complete_accuracy     n_correct / (n - n_missing - n_unreadable): of the answers that were read
--   n_pairs, gained, lost     pairs by the primary estimand, and those that turn right, wrong
--   baseline_n_correct    pairs that are right at the baseline
--   complete_..., maybe_..., became_...   as in `discordant`
CREATE OR REPLACE VIEW accuracy_by_alpha AS
WITH
pooled AS (
    SELECT
        condition_id, baseline_id, model, protocol, decoding, dtype, set_name, direction,
        direction_id, kind, role, parent_id, site, schedule, operator, effect, alpha,
        selection, selected_on_outcome,
        count(*) AS n_seeds,
        CAST(sum(COLUMNS([
            'n', 'n_correct', 'n_unreadable', 'n_missing', 'n_pairs', 'gained', 'lost',
            'stayed_right', 'complete_n_pairs', 'complete_gained', 'complete_lost', 'maybe_gained',
            'maybe_lost', 'maybe_either', 'became_unreadable', 'became_readable'
        ])) AS BIGINT)
    FROM discordant
    GROUP BY ALL
)
SELECT
    model, protocol, decoding, dtype, set_name, direction, kind, role, site, schedule, operator,
    effect, alpha, selection, selected_on_outcome, n_seeds,
    n, n_correct, n_unreadable, n_missing,
    n_correct / nullif(n - n_missing, 0) AS accuracy,
    n_correct / nullif(n - n_missing - n_unreadable, 0) AS complete_accuracy,
    n_pairs, gained, lost, stayed_right + lost AS baseline_n_correct,
    complete_n_pairs, complete_gained, complete_lost,
    maybe_gained, maybe_lost, maybe_either, became_unreadable, became_readable,
    condition_id, baseline_id, direction_id, parent_id
FROM pooled
ORDER BY model, protocol, set_name, role NULLS FIRST, direction, alpha, condition_id;
