-- Which conditions have not been run on the whole of a set?
--
-- Grain: one row per (condition with outcomes on a set, set, seed) that lacks problems of the set.
--
-- Columns:
--   n, n_set, n_lacking   outcomes, problems of the set, problems without an outcome
SELECT
    d.model, d.protocol, d.set_name, d.direction, d.alpha, d.seed, d.n, s.n AS n_set,
    s.n - d.n AS n_lacking, d.condition_id
FROM discordant AS d
JOIN sets_overview AS s USING (set_name)
WHERE d.n < s.n
ORDER BY n_lacking DESC, d.model, d.set_name, d.direction NULLS FIRST, d.alpha, d.seed,
    d.condition_id;
