-- Outcomes with conditions joined whose doses differ in rounding alone; a unit counts once.
--
-- Grain: one row per joined condition, problem and seed.
--
-- Columns:
--   joined_id        as in `condition_doses`
--   dose             the dose with 12 significant digits
--   condition_id     where the outcome was stored; of several, the joined condition's own comes first
--   n_copies         conditions of this dose that have the unit
--   differs          whether their verdicts or statuses differ
CREATE OR REPLACE VIEW outcomes_by_dose AS
SELECT
    d.joined_id, d.direction_id, d.dose, o.problem_id, o.seed,
    arg_min(o.condition_id, (o.condition_id <> d.joined_id, o.condition_id)) AS condition_id,
    arg_min(struct_pack(v := o.answer), (o.condition_id <> d.joined_id, o.condition_id)).v
        AS answer,
    arg_min(o.status, (o.condition_id <> d.joined_id, o.condition_id)) AS status,
    arg_min(struct_pack(v := o.correct), (o.condition_id <> d.joined_id, o.condition_id)).v
        AS correct,
    count(*) AS n_copies,
    count(DISTINCT struct_pack(c := o.correct, s := o.status)) > 1 AS differs
FROM outcomes AS o
INNER JOIN condition_doses AS d ON d.condition_id = o.condition_id
GROUP BY d.joined_id, d.direction_id, d.dose, o.problem_id, o.seed
ORDER BY d.joined_id, o.problem_id, o.seed;
