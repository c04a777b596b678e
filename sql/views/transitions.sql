-- Where problems go between the baseline and a condition: the four cells and the missing pairs.
--
-- Grain: one row per (steered condition, set), seeds pooled.
--
-- Columns (problem x seed):
--   stayed_right, gained, lost, stayed_wrong   pairs by the primary estimand: an answer that cannot
--                            be read is not right
--   missing                  pairs where either outcome is missing (status error, or no verdict)
--   n_unreadable             steered answers that cannot be read
--   complete_..., maybe_..., became_...   as in `discordant`
CREATE OR REPLACE VIEW transitions AS
SELECT
    model, protocol, decoding, dtype, set_name, direction, kind, role, site, schedule, operator,
    effect, alpha, selection, selected_on_outcome,
    CAST(sum(n - n_pairs) AS BIGINT) AS missing,
    CAST(sum(COLUMNS([
        'n', 'stayed_right', 'gained', 'lost', 'stayed_wrong', 'n_unreadable', 'complete_n_pairs',
        'complete_gained', 'complete_lost', 'maybe_gained', 'maybe_lost', 'maybe_either',
        'became_unreadable', 'became_readable'
    ])) AS BIGINT),
    condition_id, baseline_id, direction_id
FROM discordant
WHERE direction_id IS NOT NULL
GROUP BY ALL
ORDER BY model, protocol, set_name, role, direction, alpha, condition_id;
