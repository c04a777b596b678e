-- The stored results that verdicts rest on: the paired test and the comparison with controls.
--
-- Grain: one row per result.
--
-- Columns: as in `results`.
SELECT *
FROM results
WHERE method IN ('McNemar mid-p, Tango', 'e-value, confidence sequence', 'Crawford–Howell');
