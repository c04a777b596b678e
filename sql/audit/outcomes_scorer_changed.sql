-- Which conditions of one setting were graded by different answer parsers?
--
-- Grain: one row per condition with outcomes, where its setting has several parsers or versions.
WITH
graded AS (
    SELECT
        c.condition_id, c.direction, c.model, c.protocol, c.decoding, c.dtype, c.alpha,
        json_text(c.protocol_fields, '$.source') AS source,
        coalesce(json_text(c.protocol_fields, '$.parser'), '-') AS parser,
        coalesce(json_text(c.protocol_fields, '$.parser_version'), '1') AS version
    FROM condition_details AS c
    WHERE c.condition_no IS NOT NULL
)
SELECT condition_id, direction, model, protocol, dtype, alpha, parser, version
FROM graded
WINDOW setting AS (PARTITION BY model, protocol, decoding, dtype, source)
QUALIFY min(parser || ' ' || version) OVER setting <> max(parser || ' ' || version) OVER setting
ORDER BY model, protocol, version, direction, alpha;
