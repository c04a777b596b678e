-- The text at a path of a JSON column; NULL where the column holds no JSON or nothing there.
--
-- json_text(column, path)   others' JSON is not believed: what cannot be read says nothing
CREATE OR REPLACE MACRO json_text(column_, path) AS
    CASE WHEN json_valid(column_) THEN json_extract_string(column_, path) END;
