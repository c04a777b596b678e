-- The effect of every control direction beside that of the candidate that it is a control of.
--
-- Grain: one row per (control condition, set), seeds pooled. A control names its candidate by
-- parent_id; the candidate's columns are NULL where it was not run in the same way and dose.
--
-- Columns:
--   estimate, candidate_estimate   (gained - lost) / n_pairs: a fraction of the pairs
--   candidate, candidate_id        the direction that this one is norm-matched to
--   effect                         total or direct, as in `conditions`
CREATE OR REPLACE VIEW control_effects AS
WITH
effects AS (
    SELECT *, (gained - lost) / nullif(n_pairs, 0) AS estimate
    FROM accuracy_by_alpha
    WHERE direction_id IS NOT NULL
)
SELECT
    x.model, x.protocol, x.decoding, x.dtype, x.set_name, x.direction, x.kind, x.site,
    x.schedule, x.operator, x.effect, x.alpha,
    x.selection, x.selected_on_outcome, x.n_seeds, x.n_pairs, x.gained, x.lost, x.estimate,
    d.name AS candidate, y.n_pairs AS candidate_n_pairs, y.gained AS candidate_gained,
    y.lost AS candidate_lost, y.estimate AS candidate_estimate,
    x.condition_id, x.baseline_id, x.direction_id, x.parent_id AS candidate_id
FROM effects AS x
LEFT JOIN directions AS d ON d.direction_id = x.parent_id
LEFT JOIN effects AS y
    ON y.direction_id = x.parent_id
    AND y.baseline_id = x.baseline_id
    AND y.set_name IS NOT DISTINCT FROM x.set_name
    AND y.site IS NOT DISTINCT FROM x.site
    AND y.schedule IS NOT DISTINCT FROM x.schedule
    AND y.operator IS NOT DISTINCT FROM x.operator
    AND y.effect IS NOT DISTINCT FROM x.effect
    AND y.alpha = x.alpha
WHERE x.role = 'control'
ORDER BY x.model, x.protocol, x.set_name, candidate, x.alpha, x.direction, x.condition_id;
