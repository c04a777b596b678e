"""Command line of the store and its SQL: thin shells over library functions."""
