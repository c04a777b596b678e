-- The primary estimand, said once: was the answer readable and right?
--
-- readable_right(correct, status)   true: right; false: wrong, or not to be read (truncated,
--                                   parse_fail); NULL: missing (error, or no verdict at all)
--
-- An answer that steering made unreadable is a loss, and counts as one. `correct` is the outcome of
-- complete cases: NULL where nothing was read. What is missing enters no pair; it may have been
-- either, as what cannot be read may have been, in the bounds (the columns maybe_*).
-- Reference: ICH E9(R1), Estimands and sensitivity analysis in clinical trials (2019), A.3.2.
CREATE OR REPLACE MACRO readable_right(correct, status) AS
    coalesce(correct, CASE WHEN status IN ('truncated', 'parse_fail') THEN false END);
