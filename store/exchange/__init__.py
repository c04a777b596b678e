"""Other people's files: read into a store, and written from one."""
