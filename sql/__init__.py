"""The project's SQL: migrations, macros, views and named queries, one file each."""
