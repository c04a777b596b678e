-- The p of changed pairs that holds however often one looked at them.
--
-- anytime_p(gained, lost)   1/e, at most 1; e = 2^(g+l) B(g+1, l+1) is the e-value against as many
--                           gained as lost
--
-- Counts are of problems in an order that was fixed before any outcome. 1 where nothing changed,
-- and NULL where a count is NULL or negative. 1/e is n + 1 times the fair-coin probability of the
-- table, n = gained + lost.
-- Reference: J. Ville, Étude critique de la notion de collectif (1939).

CREATE OR REPLACE MACRO anytime_p(gained, lost) AS
    CASE
        WHEN gained IS NULL OR lost IS NULL OR gained < 0 OR lost < 0 THEN NULL
        ELSE greatest(2.2250738585072014e-308, least(
            1::DOUBLE,
            (gained + lost + 1) * binomial_half_pmf(least(gained, lost), gained + lost)
        ))
    END;
