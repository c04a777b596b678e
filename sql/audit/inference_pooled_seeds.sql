-- Which stored tests of pairs count more pairs than there are problems?
--
-- Grain: one row per result.
SELECT r.analysis_id, r.name, r.method, json_text(r.contrast, '$.direction') AS direction,
    v.set_name, r.n, v.n AS problems, r.p
FROM results AS r
JOIN sets_overview AS v ON v.set_name = json_text(r.contrast, '$.set_name')
WHERE r.n > v.n AND (r.method LIKE '%McNemar%' OR r.method LIKE '%sign test%')
ORDER BY r.analysis_id, r.name;
