"""The one error that reaches a person as a single line."""


class UserError(ValueError):
    """Bad input from outside: says what was wrong, what was found and what to do, in one line."""
