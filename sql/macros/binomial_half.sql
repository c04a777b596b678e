-- Fair-coin binomial: P(X = k) and P(X <= k) for n tosses; the base of McNemar's tests.
--
-- binomial_half_pmf(k, n), binomial_half_cdf(k, n)   0 <= k <= n; k at most n/2 in the cdf
--
-- The logarithm of the pmf is a saddle point expansion, because differences of lgamma lose eight
-- digits at a million tosses; the cdf multiplies it by the sum of the ratios of successive terms,
-- in Horner form, as far as they are larger than 1e-18.
-- Reference: C. Loader, Fast and accurate computation of binomial probabilities (2000).

-- Error of Stirling's formula: ln k! - ln(sqrt(2 pi k) (k/e)^k), k >= 1.
CREATE OR REPLACE MACRO stirling_error(k) AS
    CASE
        WHEN k <= 15 THEN lgamma(k + 1) - (k + 0.5e0) * ln(k) + k - 0.91893853320467274178e0
        ELSE (1 / 12::DOUBLE
            - (1 / 360::DOUBLE - (1 / 1260::DOUBLE - 1 / 1680::DOUBLE / k / k) / k / k) / k / k) / k
    END;

-- Half the deviance per toss times two: (1-d) ln(1-d) + (1+d) ln(1+d), as a series where d is small.
CREATE OR REPLACE MACRO coin_deviance(d) AS
    CASE
        WHEN abs(d) < 0.1e0 THEN
            d * d * (1 + d * d * (1 / 6::DOUBLE + d * d * (1 / 15::DOUBLE + d * d * (1 / 28::DOUBLE
            + d * d * (1 / 45::DOUBLE + d * d * (1 / 66::DOUBLE + d * d * (1 / 91::DOUBLE
            + d * d / 120)))))))
        ELSE (1 - d) * ln(1 - d) + (1 + d) * ln(1 + d)
    END;

CREATE OR REPLACE MACRO binomial_half_pmf(k, n) AS
    CASE
        WHEN k < 0 OR k > n THEN 0::DOUBLE
        WHEN k = 0 OR k = n THEN exp(-n * ln(2::DOUBLE))
        ELSE exp(
            stirling_error(n) - stirling_error(k) - stirling_error(n - k)
            - n / 2::DOUBLE * coin_deviance((n - 2 * k) / n::DOUBLE)
        ) * sqrt(n / (2 * pi() * k * (n - k)))
    END;

CREATE OR REPLACE MACRO binomial_half_cdf(k, n) AS
    binomial_half_pmf(k, n) * list_reduce(
        list_prepend(
            1::DOUBLE,
            list_transform(
                range(CAST(least(k, ceil(5 * sqrt(n)) + 40) AS BIGINT), 0, -1),
                lambda j: (k - j + 1) / (n - k + j)::DOUBLE
            )
        ),
        lambda total, ratio: 1 + ratio * total
    );
