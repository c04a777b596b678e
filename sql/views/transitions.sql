-- Where problems go between the baseline and a condition: the four cells and the missing pairs.
--
-- Grain: one row per (steered condition, set), seeds pooled.
--
-- Columns (problem x seed):
--   stayed_right, gained, lost, stayed_wrong   pairs with both outcomes known
--   missing                                    pairs where either outcome is missing
CREATE OR REPLACE VIEW transitions AS
SELECT
    model, protocol, decoding, dtype, set_name, direction, kind, role, site, schedule, operator,
    effect, alpha, selection, selected_on_outcome,
    CAST(sum(n) AS BIGINT) AS n,
    CAST(sum(stayed_right) AS BIGINT) AS stayed_right,
    CAST(sum(gained) AS BIGINT) AS gained,
    CAST(sum(lost) AS BIGINT) AS lost,
    CAST(sum(stayed_wrong) AS BIGINT) AS stayed_wrong,
    CAST(sum(n - n_pairs) AS BIGINT) AS missing,
    condition_id, baseline_id, direction_id
FROM discordant
WHERE direction_id IS NOT NULL
GROUP BY ALL
ORDER BY model, protocol, set_name, role, direction, alpha, condition_id;
