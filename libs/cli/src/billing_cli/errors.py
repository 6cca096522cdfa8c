"""What a person is told instead of a traceback."""


class CliError(Exception):
    """A refusal in words for a person; `hint` says what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class StackIsDown(CliError):
    """No stack runs in the folder that was named."""


class BadArgument(CliError):
    """An argument that cannot be read."""
