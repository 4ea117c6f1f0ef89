"""Every error that Bowerbird raises on purpose: one root, one line of docstring each.

A message says what is wrong, with which input, and what to do. Outcomes of tasks are data
(`bowerbird.model.Outcome`), never exceptions.
"""


class BowerbirdError(Exception):
    """Raised when something a person can put right has gone wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class UsageError(BowerbirdError):
    """Raised when the input or an option cannot be used (exit status 2)."""


class SettingsError(UsageError):
    """Raised when an option is out of range or a configuration file is broken."""


class ListError(UsageError):
    """Raised when a list of URLs is missing, empty or of no known form."""


class FolderError(UsageError):
    """Raised when an output folder cannot be used."""


class FolderInUseError(FolderError):
    """Raised when another process works in the output folder."""


class SchemaError(FolderError):
    """Raised when a crawl was written by a newer version of Bowerbird."""


class FrontierError(BowerbirdError):
    """Raised when the frontier cannot carry out a call."""


class SessionGoneError(FrontierError):
    """Raised when a session is unknown to the frontier or has passed its deadline."""


class StorageFullError(FrontierError):
    """Raised when the disk is full or refuses writes; nothing of the call was kept."""


class CrawlVanishedError(FrontierError):
    """Raised when a crawl's data are gone from the engine that held them."""


class ConnectionLostError(BowerbirdError):
    """Raised when the other end of a queue connection has gone away."""


class AuthenticationError(BowerbirdError):
    """Raised when the two ends of a connection do not share one authkey."""


class CertificateError(BowerbirdError):
    """Raised when one end of a TLS connection does not trust the other's certificate."""


class ProtocolError(BowerbirdError):
    """Raised when bytes from the network are not what the protocol allows."""


class NotPlainError(ProtocolError):
    """Raised when an old-style message holds more than plain values, or too much of them."""


class PlainManagerError(ProtocolError):
    """Raised when a manager of Python's standard library listens where ours was expected."""


class RemoteCallError(BowerbirdError):
    """Raised when a call failed at the other end; its message is the other end's."""
