-- The stored results that the verdicts of one problem set under one protocol rest on.
--
-- These are the paired tests and the three ranks among own controls; `steerstat analyze` stores them.
--
-- Grain: one row per (analysis, result).
--
-- Columns:
--   direction, claim, control_kind   claim and kind of control: of the ranks alone
--   method                           which test, or which of the three ranks
--   p_adjusted                       Holm over the alphas, or of the largest rank over candidates
--   code_version                     analyses of earlier code stay in the store
--
-- Parameters:
--   $model VARCHAR = NULL: name of the model
--   $protocol VARCHAR = NULL: name of the protocol; its fields enter by the baseline
--   $decoding VARCHAR = NULL: as the condition has it, JSON
--   $dtype VARCHAR = NULL: arithmetic of the model
--   $set_name VARCHAR = NULL: the problem set; NULL for problems of none
--   $baseline_id VARCHAR = NULL: the condition that the steered ones are paired with
SELECT
    r.contrast ->> 'direction' AS direction, (r.contrast ->> 'alpha')::DOUBLE AS alpha,
    r.contrast ->> 'claim' AS claim, r.contrast ->> 'control_kind' AS control_kind, r.method,
    r.estimate, r.low, r.high, r.p, r.p_adjusted, r.n, r.gained, r.lost, r.k, r.family_size,
    r.status, a.code_version
FROM results AS r
LEFT JOIN analyses AS a USING (analysis_id)
WHERE r.contrast ->> 'model' = $model
    AND r.contrast ->> 'protocol' = $protocol
    AND r.contrast ->> 'decoding' IS NOT DISTINCT FROM $decoding
    AND r.contrast ->> 'dtype' = $dtype
    AND r.contrast ->> 'set_name' IS NOT DISTINCT FROM $set_name
    AND r.contrast ->> 'baseline_id' = $baseline_id
    AND r.contrast ->> 'stratum' IS NULL
    AND (
        r.method IN ('McNemar mid-p, Tango', 'e-value, confidence sequence')
        OR r.method LIKE '%, own controls'
    )
ORDER BY direction, claim, control_kind, alpha, r.method, a.code_version;
