"""The errors that reach a person as a single line."""

from sql.printable import one_line


class UserError(ValueError):
    """Bad input from outside: says what was wrong, what was found and what to do, in one line.

    What was found may be anything: the message is printable, whatever it holds. `exit_code` is
    that of a command it ends.
    """

    exit_code = 2

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(str(message)))


class Refusal(UserError):
    """The question cannot be answered this way; the message says what to call instead."""


def first_line(error: BaseException) -> str:
    """What an error says in its first line, or its kind where it says nothing; 200 characters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
