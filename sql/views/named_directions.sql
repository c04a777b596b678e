-- Every direction under a name that is its alone: what tables and figures call it.
--
-- Grain: one row per direction, with the columns of `directions`.
--
-- Columns:
--   name   where several directions share one, the beginning of the id stands behind it
CREATE OR REPLACE VIEW named_directions AS
SELECT
    * REPLACE (
        CASE
            WHEN count(*) OVER (PARTITION BY name) > 1
                THEN name || ' (' || left(direction_id, 8) || ')'
            ELSE name
        END AS name
    )
FROM directions;
