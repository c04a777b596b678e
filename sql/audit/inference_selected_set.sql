-- Which candidates were tested on a set that was chosen by the tested outcome?
--
-- Grain: one row per candidate, test set and dose.
--
-- Columns:
--   selection   `balanced_on_baseline`, or another word though half of the labels are right
SELECT a.direction_id, a.direction, a.set_name, a.protocol, a.selection, a.alpha, a.n, a.gained,
    a.lost
FROM accuracy_by_alpha AS a
JOIN sets_overview AS v USING (set_name)
WHERE a.role = 'candidate' AND v.split <> 'train'
    AND (
        a.selected_on_outcome
        OR (v.n_labelled = v.n AND v.n >= 10 AND 2 * v.n_label_true = v.n
            AND v.selection <> 'random')
    )
ORDER BY a.set_name, a.direction, a.alpha;
