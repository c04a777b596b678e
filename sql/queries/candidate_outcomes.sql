-- Outcomes of the candidate directions per problem set: what a curve per problem is made of.
--
-- Grain: one row per (steered condition of a candidate, set, problem, seed); see `paired_outcomes`.
--
-- Columns:
--   readable_right, baseline_readable_right   the primary outcome, NULL where it is missing
--   correct, baseline_correct   complete cases: NULL where no answer could be read as well
--   question                    text of the problem
SELECT
    x.condition_id, c.baseline_id, x.model, x.protocol, x.decoding, x.dtype, s.set_name,
    x.direction, x.kind, x.site, x.schedule, x.operator, x.effect, x.alpha,
    x.problem_id, x.seed, x.n_steps, p.question, x.readable_right,
    x.baseline_readable_right, x.correct, x.baseline_correct, x.fragile, x.baseline_fragile
FROM paired_outcomes AS x
JOIN condition_details AS c ON c.condition_id = x.condition_id
JOIN problem_sets AS s ON s.problem_id = x.problem_id
JOIN problems AS p ON p.problem_id = x.problem_id
WHERE x.role = 'candidate'
ORDER BY s.set_name, x.direction, x.condition_id, x.problem_id, x.seed;
