-- Outcomes counted before they are spread over sets and strata: the step under every total.
--
-- Grain: one row per (condition, seed, class of problems), by numbers in this file; baselines are
-- paired with themselves. A baseline outcome that was never collected is a missing one.
--
-- Columns, whose sums are those of `discordant` and `accuracy_by_stratum`:
--   class_no                     see `problem_classes`
--   n, n_correct, n_unreadable, n_missing   outcomes: all, right, without a readable answer, without
--                                an outcome; the rest is wrong
--   gained, lost, stayed_right, stayed_wrong   pairs by the primary estimand (`readable_right`): an
--                                unreadable answer is not right; neither outcome missing
--   complete_gained, complete_lost, complete_unchanged   pairs by complete cases: both answers read
--   maybe_gained, maybe_lost, maybe_either   pairs that an unread or missing outcome leaves open:
--                                those that may have been gained, lost, or one of the two
--   became_unreadable, became_readable   pairs with neither outcome missing and one of them unread
CREATE OR REPLACE VIEW class_counts AS
WITH
-- One pass over the outcomes: few rows for the sums.
cells AS (
    SELECT
        o.condition_no, o.seed, k.class_no,
        b.readable_right AS before, b.correct AS known_before,
        readable_right(o.correct, o.status) AS after, o.correct AS known_after,
        count(*) AS n
    FROM outcome_rows AS o
    JOIN condition_baselines AS c ON c.condition_no = o.condition_no
    JOIN problem_classes AS k ON k.problem_no = o.problem_no
    LEFT JOIN baseline_rows AS b
        ON b.condition_no = c.baseline_no AND b.problem_no = o.problem_no AND b.seed = o.seed
    GROUP BY ALL
),
sums AS (
    SELECT
        condition_no, seed, class_no,
        sum(n) AS n,
        sum(n) FILTER (after) AS n_correct,
        sum(n) FILTER (after IS NOT NULL AND known_after IS NULL) AS n_unreadable,
        sum(n) FILTER (after IS NULL) AS n_missing,
        -- false < true, and a comparison with NULL is NULL: a pair needs both outcomes.
        sum(n) FILTER (after > before) AS gained,
        sum(n) FILTER (after < before) AS lost,
        sum(n) FILTER (after AND before) AS stayed_right,
        sum(n) FILTER (NOT after AND NOT before) AS stayed_wrong,
        sum(n) FILTER (known_after > known_before) AS complete_gained,
        sum(n) FILTER (known_after < known_before) AS complete_lost,
        sum(n) FILTER (known_after = known_before) AS complete_unchanged,
        sum(n) FILTER (
            (NOT known_before AND known_after IS NULL) OR (known_before IS NULL AND known_after)
        ) AS maybe_gained,
        sum(n) FILTER (
            (known_before AND known_after IS NULL) OR (known_before IS NULL AND NOT known_after)
        ) AS maybe_lost,
        sum(n) FILTER (known_before IS NULL AND known_after IS NULL) AS maybe_either,
        sum(n) FILTER (known_before IS NOT NULL AND known_after IS NULL AND after IS NOT NULL)
            AS became_unreadable,
        sum(n) FILTER (known_before IS NULL AND before IS NOT NULL AND known_after IS NOT NULL)
            AS became_readable
    FROM cells
    GROUP BY condition_no, seed, class_no
)
SELECT
    condition_no, seed, class_no,
    -- No row to sum over is a count of 0, and a sum of counts a whole number of ordinary size.
    CAST(coalesce(COLUMNS(* EXCLUDE (condition_no, seed, class_no)), 0) AS BIGINT)
FROM sums;
