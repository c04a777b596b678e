-- How large latents are at each position under each condition: quantiles and means of the norms.
--
-- Grain: one row per (condition, position), all problems and seeds pooled; position counts from 0.
-- Quantiles are order statistics and means are sums of whole multiples of 2^-20, so that the
-- figures do not depend on the order in which threads add.
--
-- Columns (Euclidean norms in the model's own units):
--   n, n_not_finite            latents; those with an infinite or undefined norm, left out below
--   mean_before, mean_after, mean_fed, median_after, p05_after, p95_after, max_after
--   mean_cosine                between latent and direction before steering; NULL at baseline
CREATE OR REPLACE VIEW norms_by_position AS
WITH
finite AS (
    SELECT
        condition_id, position,
        CASE WHEN isfinite(norm_before) THEN norm_before END AS norm_before,
        CASE WHEN isfinite(norm_after) THEN norm_after END AS norm_after,
        CASE WHEN isfinite(norm_fed) THEN norm_fed END AS norm_fed,
        CASE WHEN isfinite(cosine) THEN cosine END AS cosine,
        NOT (isfinite(norm_before) AND isfinite(norm_after)
            AND coalesce(isfinite(norm_fed), true)) AS blown_up
    FROM latent_norms
),
figures AS (
    SELECT
        condition_id, position,
        count(*) AS n,
        count(*) FILTER (blown_up) AS n_not_finite,
        sum(CAST(CAST(norm_before AS DOUBLE) * 1048576 AS HUGEINT))
            / nullif(count(norm_before), 0) / 1048576 AS mean_before,
        sum(CAST(CAST(norm_after AS DOUBLE) * 1048576 AS HUGEINT))
            / nullif(count(norm_after), 0) / 1048576 AS mean_after,
        sum(CAST(CAST(norm_fed AS DOUBLE) * 1048576 AS HUGEINT))
            / nullif(count(norm_fed), 0) / 1048576 AS mean_fed,
        quantile_cont(norm_after, 0.5) AS median_after,
        quantile_cont(norm_after, 0.05) AS p05_after,
        quantile_cont(norm_after, 0.95) AS p95_after,
        max(norm_after) AS max_after,
        sum(CAST(CAST(cosine AS DOUBLE) * 1048576 AS HUGEINT))
            / nullif(count(cosine), 0) / 1048576 AS mean_cosine
    FROM finite
    GROUP BY condition_id, position
)
SELECT
    c.model, c.protocol, c.decoding, c.dtype, c.direction, c.kind, c.role, c.site, c.schedule,
    c.operator, c.effect, c.alpha, f.position,
    f.n, f.n_not_finite, f.mean_before, f.mean_after, f.mean_fed,
    f.median_after, f.p05_after, f.p95_after, f.max_after, f.mean_cosine,
    c.condition_id, c.direction_id
FROM figures AS f
JOIN condition_details AS c USING (condition_id)
ORDER BY c.model, c.protocol, c.role NULLS FIRST, c.direction, c.alpha, c.condition_id, f.position;
