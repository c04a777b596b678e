-- What is direction and what is damage? Half the difference and half the sum of +alpha and -alpha.
--
-- Grain: one row per (direction, its way of being applied, set, |alpha|) run at both signs.
--
-- Parameters:
--   $set_name VARCHAR = primary: problem set
-- Columns (condition_id is that at +alpha; fractions of the pairs; an answer that cannot be read is not right):
--   n        pairs (problem x seed) with neither a missing outcome at +alpha, at -alpha nor at the
--            baseline: both effects are of these
--   signed   [f(+a) - f(-a)] / 2: what the direction does beyond pushing
--   damage   [f(+a) + f(-a)] / 2, f counted from the baseline: what any push does
--   stop     why a sequential plan ended one of the two doses: see `stops`. Where it was before the
--            last problem, its own outcomes chose the problems that both are of
WITH
members AS (
    SELECT k.problem_no
    FROM problem_sets AS s
    JOIN problem_keys AS k USING (problem_id)
    WHERE s.set_name = $set_name
),
doses AS (
    SELECT u.*, d.condition_no AS down_no
    FROM condition_details AS u
    JOIN condition_details AS d
        ON d.direction_id = u.direction_id
        AND d.baseline_id = u.baseline_id
        AND d.site IS NOT DISTINCT FROM u.site
        AND d.schedule IS NOT DISTINCT FROM u.schedule
        AND d.operator IS NOT DISTINCT FROM u.operator
        AND d.effect IS NOT DISTINCT FROM u.effect
        AND d.alpha = -u.alpha
    WHERE u.alpha > 0
),
counts AS (
    SELECT
        x.condition_no, count(*) AS n,
        count(*) FILTER (readable_right(o.correct, o.status) > b.readable_right)
            - count(*) FILTER (readable_right(o.correct, o.status) < b.readable_right) AS up,
        count(*) FILTER (readable_right(z.correct, z.status) > b.readable_right)
            - count(*) FILTER (readable_right(z.correct, z.status) < b.readable_right) AS down
    FROM doses AS x
    JOIN outcome_rows AS o ON o.condition_no = x.condition_no
    JOIN members AS m ON m.problem_no = o.problem_no
    JOIN outcome_rows AS z
        ON z.condition_no = x.down_no AND z.problem_no = o.problem_no AND z.seed = o.seed
    JOIN baseline_rows AS b
        ON b.condition_no = x.baseline_no AND b.problem_no = o.problem_no AND b.seed = o.seed
    WHERE b.readable_right IS NOT NULL
        AND readable_right(o.correct, o.status) IS NOT NULL
        AND readable_right(z.correct, z.status) IS NOT NULL
    GROUP BY x.condition_no
)
SELECT
    x.model, x.protocol, $set_name AS set_name, x.direction, x.role, x.alpha, c.n,
    c.up / c.n AS up, c.down / c.n AS down,
    (c.up - c.down) / (2 * c.n) AS signed,
    (c.up + c.down) / (2 * c.n) AS damage,
    coalesce(e.stop, f.stop) AS stop,
    x.condition_id
FROM counts AS c
JOIN doses AS x USING (condition_no)
LEFT JOIN condition_keys AS k ON k.condition_no = x.down_no
LEFT JOIN stops AS e ON e.condition_id = x.condition_id AND e.set_name = $set_name
LEFT JOIN stops AS f ON f.condition_id = k.condition_id AND f.set_name = $set_name
ORDER BY x.model, x.protocol, x.role, x.direction, x.alpha, x.site, x.schedule, x.operator,
    x.effect;
