-- Every problem with its gold answer.
--
-- Grain: one row per problem.
SELECT problem_id, question, answer, n_steps
FROM problems
ORDER BY ALL;
