-- How every condition asks its model: each field of its protocol in a column of its own.
--
-- Grain: one row per condition, its baseline's fields being the same. NULL is a field that the
-- protocol does not say, or that an earlier version did not record.
--
-- Columns:
--   n_latent                thoughts; bot, answer_start   where <bot> stands, what the answer follows
--   parser, parser_version, vocabulary   how answers are read, which entries they are chosen among
--   max_new_tokens, stop    where an answer ends: tokens, texts (JSON)
--   date                    the day that a chat template which reads the clock is told
--   mode, temperature       of decoding
--   alpha_factors           scheme and factors on alpha by stratum (JSON); NULL: one dose for all
CREATE OR REPLACE VIEW condition_protocols AS
SELECT
    c.condition_id, m.name AS model, c.protocol, c.dtype,
    CAST(json_extract_string(c.protocol_fields, '$.n_latent') AS INTEGER) AS n_latent,
    json_extract_string(c.protocol_fields, '$.bot') AS bot,
    json_extract_string(c.protocol_fields, '$.answer_start') AS answer_start,
    CAST(json_extract_string(c.protocol_fields, '$.end_of_text_around') AS BOOLEAN)
        AS end_of_text_around,
    CAST(json_extract_string(c.protocol_fields, '$.max_new_tokens') AS INTEGER) AS max_new_tokens,
    json_extract_string(c.protocol_fields, '$.parser') AS parser,
    coalesce(CAST(json_extract_string(c.protocol_fields, '$.parser_version') AS INTEGER), 1)
        AS parser_version,
    json_extract_string(c.protocol_fields, '$.vocabulary') AS vocabulary,
    json_extract_string(c.protocol_fields, '$.answer_format') AS answer_format,
    json_extract_string(c.protocol_fields, '$.question_suffix') AS question_suffix,
    CAST(json_extract_string(c.protocol_fields, '$.squeeze_spaces') AS BOOLEAN) AS squeeze_spaces,
    CAST(json_extract_string(c.protocol_fields, '$.chat_template') AS BOOLEAN) AS chat_template,
    json_extract_string(c.protocol_fields, '$.stop') AS stop,
    json_extract_string(c.protocol_fields, '$.date') AS date,
    json_extract_string(c.decoding, '$.mode') AS mode,
    CAST(json_extract_string(c.decoding, '$.temperature') AS DOUBLE) AS temperature,
    nullif(regexp_extract(c.schedule, ' by (.+)$', 1), '') AS alpha_factors
FROM conditions AS c
LEFT JOIN models AS m USING (model_id);
