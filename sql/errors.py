"""The errors that reach a person as a single line."""


class UserError(ValueError):
    """Bad input from outside: says what was wrong, what was found and what to do, in one line."""


class Refusal(UserError):
    """The question cannot be answered this way; the message says what to call instead."""
