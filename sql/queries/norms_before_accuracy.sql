-- Where do latents blow up before accuracy falls? First alpha of each, per direction and position.
--
-- Grain: one row per (direction, its way of being applied, sign of alpha, position).
--
-- Parameters:
--   $set_name VARCHAR = primary: problem set on which accuracy is read
--   $factor DOUBLE = 2.0: a latent has blown up when its median norm is this many times the baseline's
--   $drop DOUBLE = 0.05: accuracy has fallen when it lost this fraction of the pairs
-- Columns:
--   alpha_norm      smallest dose at which the median norm at this position has blown up, or NULL
--   alpha_accuracy  smallest dose at which accuracy has fallen, or NULL
--   side            sign of the doses
--   norm_first      the norm blows up at a smaller dose than accuracy falls, or accuracy never falls
WITH
-- Median norm after steering, against that of the baseline at the same position.
norms AS (
    SELECT
        n.condition_id, n.position, n.median_after / nullif(b.median_after, 0) AS ratio
    FROM norms_by_position AS n
    JOIN condition_details AS c USING (condition_id)
    JOIN norms_by_position AS b
        ON b.condition_id = c.baseline_id AND b.position = n.position
    WHERE n.direction_id IS NOT NULL
),
doses AS (
    SELECT
        a.model, a.protocol, a.direction, a.site, a.schedule, a.operator, a.effect,
        a.direction_id, a.baseline_id, a.decoding, a.dtype, CAST(sign(a.alpha) AS INTEGER) AS side, n.position,
        min(abs(a.alpha)) FILTER (n.ratio >= $factor) AS alpha_norm,
        min(abs(a.alpha)) FILTER ((a.gained - a.lost) / nullif(a.n_pairs, 0) <= -$drop)
            AS alpha_accuracy
    FROM accuracy_by_alpha AS a
    JOIN norms AS n USING (condition_id)
    WHERE a.set_name = $set_name AND a.alpha != 0
    GROUP BY ALL
)
SELECT
    model, protocol, direction, site, schedule, operator, effect, position,
    side * alpha_norm AS alpha_norm,
    side * alpha_accuracy AS alpha_accuracy,
    alpha_norm IS NOT NULL AND (alpha_accuracy IS NULL OR alpha_norm < alpha_accuracy)
        AS norm_first,
    side, decoding, dtype, baseline_id
FROM doses
ORDER BY model, protocol, direction, site, schedule, operator, effect, side, position;
