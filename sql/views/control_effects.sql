-- The effect of every control direction beside that of the candidate that it is a control of.
--
-- Grain: one row per (control condition, set), seeds pooled. A control names its candidate by
-- parent_id; the candidate's columns are NULL where it was not run in the same way and dose.
--
-- Columns:
--   n_pairs, gained, lost, candidate_n_pairs, candidate_gained, candidate_lost   by the primary
--                                  estimand, each direction on the pairs that it has: all of a set,
--                                  but for its own missing outcomes (errors) and the baseline's
--   estimate, candidate_estimate   (gained - lost) / n_pairs: a fraction of the pairs
--   candidate_stop                 why a sequential plan ended the candidate before the last problem:
--                                  its own outcomes chose the problems, so no rank is a test
--   candidate, candidate_id        the direction that this one is norm-matched to
--   effect                         total or direct, as in `conditions`
CREATE OR REPLACE VIEW control_effects AS
WITH
effects AS (SELECT * FROM accuracy_by_alpha WHERE direction_id IS NOT NULL),
beside AS (
    SELECT
        x.*, y.n_pairs AS candidate_n_pairs, y.gained AS candidate_gained,
        y.lost AS candidate_lost, CASE WHEN y.n < s.n * y.n_seeds THEN e.stop END AS candidate_stop
    FROM effects AS x
    LEFT JOIN effects AS y
        ON y.direction_id = x.parent_id
        AND y.baseline_id = x.baseline_id
        AND y.set_name IS NOT DISTINCT FROM x.set_name
        AND y.site IS NOT DISTINCT FROM x.site
        AND y.schedule IS NOT DISTINCT FROM x.schedule
        AND y.operator IS NOT DISTINCT FROM x.operator
        AND y.effect IS NOT DISTINCT FROM x.effect
        AND y.alpha = x.alpha
    LEFT JOIN sets_overview AS s ON s.set_name = x.set_name
    LEFT JOIN stops AS e ON e.condition_id = y.condition_id AND e.set_name = x.set_name
    WHERE x.role = 'control'
)
SELECT
    x.model, x.protocol, x.decoding, x.dtype, x.set_name, x.direction, x.kind, x.site,
    x.schedule, x.operator, x.effect, x.alpha,
    x.selection, x.selected_on_outcome, x.n_seeds, x.n_pairs, x.gained, x.lost,
    (x.gained - x.lost) / nullif(x.n_pairs, 0) AS estimate,
    d.name AS candidate, x.candidate_n_pairs, x.candidate_gained, x.candidate_lost,
    (x.candidate_gained - x.candidate_lost) / nullif(x.candidate_n_pairs, 0) AS candidate_estimate,
    x.candidate_stop, x.condition_id, x.baseline_id, x.direction_id, x.parent_id AS candidate_id
FROM beside AS x
LEFT JOIN named_directions AS d ON d.direction_id = x.parent_id
ORDER BY x.model, x.protocol, x.set_name, candidate, x.alpha, x.direction, x.condition_id;
