-- Tango's score interval of a paired difference of proportions (gained - lost) / n.
--
-- tango_low(gained, lost, n), tango_high(gained, lost, n)   fractions, 95 %; another level by its
--                                                 normal quantile: tango_low(g, l, n, z := 2.5758)
--
-- n is the number of pairs with both outcomes known. The limits are the differences at which the
-- score statistic is +z and -z, found by halving [-1, 1] fifty-five times. NULL where n is 0 or
-- smaller than gained + lost.
-- Reference: T. Tango, Statistics in Medicine 17 (1998) 891.

-- Variance of the number gained less the number lost, at a true difference of x, by maximum
-- likelihood given x: n (2 q + x (1 - x)), q the probability of a lost pair.
CREATE OR REPLACE MACRO tango_variance(gained, lost, n, x) AS
    greatest(0::DOUBLE, n * (
        (
            sqrt(greatest(0::DOUBLE,
                ((2 * n - gained + lost) * x - gained - lost)
                * ((2 * n - gained + lost) * x - gained - lost)
                + 8 * n * lost * x * (1 - x)
            )) - ((2 * n - gained + lost) * x - gained - lost)
        ) / (2 * n) + x * (1 - x)
    ));

CREATE OR REPLACE MACRO tango_low(gained, lost, n, z := 1.959963984540054e0) AS
    CASE
        WHEN gained < 0 OR lost < 0 OR n <= 0 OR gained + lost > n THEN NULL
        WHEN gained IS NULL OR lost IS NULL OR n IS NULL THEN NULL
        ELSE list_reduce(
            list_prepend(0::DOUBLE, list_transform(range(1, 56), lambda i: 0.5::DOUBLE ** i)),
            lambda x, step: CASE
                WHEN gained - lost - n * x
                    > z * sqrt(tango_variance(gained::DOUBLE, lost::DOUBLE, n::DOUBLE, x))
                THEN x + step
                ELSE x - step
            END
        )
    END;

CREATE OR REPLACE MACRO tango_high(gained, lost, n, z := 1.959963984540054e0) AS
    CASE
        WHEN gained < 0 OR lost < 0 OR n <= 0 OR gained + lost > n THEN NULL
        WHEN gained IS NULL OR lost IS NULL OR n IS NULL THEN NULL
        ELSE list_reduce(
            list_prepend(0::DOUBLE, list_transform(range(1, 56), lambda i: 0.5::DOUBLE ** i)),
            lambda x, step: CASE
                WHEN gained - lost - n * x
                    >= -z * sqrt(tango_variance(gained::DOUBLE, lost::DOUBLE, n::DOUBLE, x))
                THEN x + step
                ELSE x - step
            END
        )
    END;
