-- What has been tested so far? Stored results, the most surprising first.
--
-- Grain: one row per stored result.
--
-- Parameters:
--   $stamp VARCHAR = NULL: confirmatory or exploratory, NULL for both
-- Columns:
--   p, p_adjusted          before and after the correction over the family
--   family, family_size    what it was corrected with
SELECT
    r.name, r.quantity, r.method, r.estimate, r.low, r.high, r.p, r.p_adjusted, r.n, r.gained,
    r.lost, r.status, r.family, r.family_size, r.scope, r.stamp, r.selected_on_outcome, r.analysis_id
FROM results AS r
WHERE $stamp::VARCHAR IS NULL OR r.stamp = $stamp::VARCHAR
ORDER BY coalesce(r.p_adjusted, r.p) NULLS LAST, r.analysis_id, r.name;
