"""What takes counts and arrays, and knows no store: tests, intervals, power and their families.

Every function is `f(counts, *, options, rng)` and returns a frozen result with a status. The
public names are those of `analysis`; each module here holds the methods of one question.
"""
