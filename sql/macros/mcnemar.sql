-- McNemar's tests of paired binary outcomes: two-sided p from the counts of changed pairs.
--
-- mcnemar_midp(gained, lost)    the primary test: 2 cdf(min) - pmf(min); 1 at gained = lost
-- mcnemar_exact(gained, lost)   conservative; equals the sign test
--
-- Counts are of problems, one outcome each: several seeds of a problem must not be pooled.
-- Both are 1 where nothing changed, and NULL where a count is NULL or negative.
-- Reference: Fagerland, Lydersen, Laake, BMC Medical Research Methodology 13 (2013) 91.

CREATE OR REPLACE MACRO mcnemar_midp(gained, lost) AS
    CASE
        WHEN gained IS NULL OR lost IS NULL OR gained < 0 OR lost < 0 THEN NULL
        WHEN gained = lost THEN 1::DOUBLE
        ELSE greatest(2.2250738585072014e-308, least(
            1::DOUBLE,
            2 * binomial_half_cdf(least(gained, lost), gained + lost)
            - binomial_half_pmf(least(gained, lost), gained + lost)
        ))
    END;

CREATE OR REPLACE MACRO mcnemar_exact(gained, lost) AS
    CASE
        WHEN gained IS NULL OR lost IS NULL OR gained < 0 OR lost < 0 THEN NULL
        WHEN gained = lost THEN 1::DOUBLE
        ELSE greatest(2.2250738585072014e-308, least(
            1::DOUBLE, 2 * binomial_half_cdf(least(gained, lost), gained + lost)
        ))
    END;
