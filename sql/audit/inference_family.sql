-- Which families of tests have changed their size between analyses of the same kind?
--
-- Grain: one row per family, method and quantity.
SELECT r.family, r.method, r.quantity, min(r.family_size) AS smallest, max(r.family_size) AS largest,
    count(DISTINCT r.analysis_id) AS analyses
FROM results AS r
WHERE r.family IS NOT NULL AND r.family_size IS NOT NULL
GROUP BY ALL
HAVING smallest <> largest
ORDER BY r.family, r.method;
