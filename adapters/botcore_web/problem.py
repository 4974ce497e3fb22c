"""The one way a request is refused here: a status, a code for programs, a line for people."""

__all__ = ["Problem"]


class Problem(Exception):
    """A request that cannot be served; the handlers' edge turns it into JSON."""

    def __init__(self, status: int, code: str, message: str, *, param: str = "", retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        """The field at fault, as OpenAI's errors name it."""
        self.retry_after = retry_after
        """Seconds; 0 = no such header."""
