"""The errors that reach a person as a single line."""


class UserError(ValueError):
    """Bad input from outside: says what was wrong, what was found and what to do, in one line."""


class Refusal(UserError):
    """The question cannot be answered this way; the message says what to call instead."""


def first_line(error: BaseException) -> str:
    """What an error says in its first line, or its kind where it says nothing; 200 characters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
