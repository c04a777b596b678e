-- Which models and directions are known by a name alone?
--
-- Grain: one row per model without hashes of weights and tokenizer, and per direction that outcomes
-- were collected with and that has no vectors.
SELECT 'model' AS what, model_id AS id, name, weights_sha256 AS hash
FROM models
WHERE NOT regexp_full_match(weights_sha256, '[0-9a-f]{64}')
    OR NOT regexp_full_match(tokenizer_sha256, '[0-9a-f]{64}')
UNION ALL
SELECT 'direction', d.direction_id, d.name, NULL
FROM named_directions AS d
WHERE d.direction_id IN (SELECT direction_id FROM conditions)
    AND d.direction_id NOT IN (SELECT direction_id FROM direction_vectors)
ORDER BY what, name;
