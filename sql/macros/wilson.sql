-- Wilson's score interval of a proportion k / n.
--
-- wilson_low(k, n), wilson_high(k, n)   fractions, 95 %; another level by its normal quantile:
--                                       wilson_low(k, n, z := 2.5758)
--
-- NULL where n is 0 or k is not between 0 and n.
-- Reference: E. B. Wilson, Journal of the American Statistical Association 22 (1927) 209.

CREATE OR REPLACE MACRO wilson_low(k, n, z := 1.959963984540054e0) AS
    CASE
        WHEN n <= 0 OR k < 0 OR k > n THEN NULL
        WHEN k = 0 THEN 0::DOUBLE
        ELSE (k + z * z / 2 - z * sqrt(k::DOUBLE * (n - k) / n + z * z / 4)) / (n + z * z)
    END;

CREATE OR REPLACE MACRO wilson_high(k, n, z := 1.959963984540054e0) AS
    CASE
        WHEN n <= 0 OR k < 0 OR k > n THEN NULL
        WHEN k = n THEN 1::DOUBLE
        ELSE (k + z * z / 2 + z * sqrt(k::DOUBLE * (n - k) / n + z * z / 4)) / (n + z * z)
    END;
