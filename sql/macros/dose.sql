-- A dose as it enters the id of a condition: 12 significant digits.
--
-- dose(alpha)   0.1 + 0.2 is 0.3, and -0.0 is 0.0, as `store.identity.dose` says
CREATE OR REPLACE MACRO dose(alpha) AS CAST(format('{:.12g}', alpha) AS DOUBLE) + 0.0;
