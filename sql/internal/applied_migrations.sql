-- The migrations that made the results file, with the hash of the text that was applied.
--
-- Grain: one row per migration.
--
-- Columns: sha256   of the file's text, hex.
SELECT version, sha256
FROM schema_migrations
ORDER BY version;
