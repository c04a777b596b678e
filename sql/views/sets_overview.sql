-- The problem sets: size, split and how their problems were chosen.
--
-- Grain: one row per set.
--
-- Columns:
--   selection             random, balanced_on_baseline, all, imported; `mixed` where they differ
--   selected_on_outcome   chosen by the model's own baseline: a test against that baseline on this
--                         set shows gains and losses that are regression to the mean
--   n, n_labelled, n_label_true   problems
CREATE OR REPLACE VIEW sets_overview AS
SELECT
    set_name,
    CASE WHEN count(DISTINCT split) > 1 THEN 'mixed' ELSE min(split) END AS split,
    CASE WHEN count(DISTINCT selection) > 1 THEN 'mixed' ELSE min(selection) END AS selection,
    coalesce(bool_or(selection = 'balanced_on_baseline'), false) AS selected_on_outcome,
    count(*) AS n,
    count(label) AS n_labelled,
    count(*) FILTER (label) AS n_label_true
FROM problem_sets
GROUP BY set_name;
