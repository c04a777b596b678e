-- The norm of every latent thought, before and after steering and as it was fed back.
--
-- Grain: one row per (condition, problem, seed, position); position counts from 0. Where a list is
-- shorter than another of its outcome, its last positions are NULL.
--
-- Columns (Euclidean norms in the model's own units):
--   norm_before, norm_after   of the latent before and after the direction was added
--   norm_fed                  of the vector fed back as the next input embedding
--   cosine                    between the latent before steering and the direction; NULL at baseline
CREATE OR REPLACE VIEW latent_norms AS
SELECT
    k.condition_id, p.problem_id, o.seed,
    unnest(range(greatest(
        len(o.norm_before), len(o.norm_after), len(o.norm_fed), len(o.cosine)
    ))) AS position,
    unnest(o.norm_before) AS norm_before,
    unnest(o.norm_after) AS norm_after,
    unnest(o.norm_fed) AS norm_fed,
    unnest(CASE
        WHEN coalesce(len(o.cosine), 0) = 0 THEN [NULL for x in o.norm_before]
        ELSE o.cosine
    END) AS cosine
FROM outcome_rows AS o
JOIN condition_keys AS k USING (condition_no)
JOIN problem_keys AS p USING (problem_no)
WHERE o.norm_before IS NOT NULL;
