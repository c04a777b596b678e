"""One pair of conditions, judged: from data frames, from files of others, or from a store.

The public names are those of `analysis`: `compare`, `compare_files`, `compare_conditions`.
"""
