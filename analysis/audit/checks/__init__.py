"""The checks, one small function each, in the module of their id's first word."""
