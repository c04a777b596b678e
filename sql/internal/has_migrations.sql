-- Does the results file record its migrations? A file without that table is of no version.
--
-- Grain: one row per database in use.
SELECT count(*) > 0 AS has_migrations
FROM duckdb_tables()
WHERE database_name = current_database() AND table_name = 'schema_migrations';
