-- Record that a migration was applied, now.
--
-- Grain: one row per migration that was recorded: one.
--
-- Parameters:
--   $version INTEGER = 1: its number
--   $name VARCHAR = NULL: its name
--   $sha256 VARCHAR = NULL: hash of its text
INSERT INTO schema_migrations (version, name, sha256, applied_at)
VALUES ($version, $name, $sha256, (SELECT epoch_ms(epoch_ms(now()))));
