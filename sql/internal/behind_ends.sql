-- The rows behind the contrasts that a sequential plan ended, of one problem set and protocol.
--
-- Grain: one row per (candidate condition, set) with a recorded stop.
--
-- Columns: as in `accuracy_by_alpha`, and of `stops`:
--   stop        why it ended
--   stopped_at  problems up to there
--   p_anytime   1/e of the counts, at most 1; what it was at the stop where that is smaller
--
-- Parameters:
--   $model VARCHAR = NULL: name of the model
--   $protocol VARCHAR = NULL: name of the protocol; its fields enter by the baseline
--   $decoding VARCHAR = NULL: as the condition has it, JSON
--   $dtype VARCHAR = NULL: arithmetic of the model
--   $set_name VARCHAR = NULL: the problem set; NULL for problems of none
--   $baseline_id VARCHAR = NULL: the condition that the steered ones are paired with
SELECT
    a.direction, a.alpha, s.stop, s.n AS stopped_at, s.planned_n, a.n_pairs, a.gained, a.lost,
    least(anytime_p(a.gained, a.lost), s.p_anytime) AS p_anytime, s.family_size, s.plan_id,
    a.site, a.schedule, a.operator, a.effect
FROM accuracy_by_alpha AS a
JOIN stops AS s ON s.condition_id = a.condition_id AND s.set_name = a.set_name
WHERE a.model = $model
    AND a.protocol = $protocol
    AND a.decoding IS NOT DISTINCT FROM $decoding
    AND a.dtype = $dtype
    AND a.set_name IS NOT DISTINCT FROM $set_name
    AND a.baseline_id = $baseline_id
    AND a.role = 'candidate'
ORDER BY a.direction, a.alpha;
