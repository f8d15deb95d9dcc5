"""What can be refused about reports."""

from shared.kernel.errors import FieldError, InvalidInputError


class InvalidReportError(InvalidInputError):
    """The report cannot be asked for like that."""

    @classmethod
    def named(cls, field: str, rule: str, message: str) -> "InvalidReportError":
        return cls(message, field_errors=[FieldError(field, rule, message)])


class ReportTooLargeError(InvalidInputError):
    """The report would be too large; ask for a shorter time or fewer groups."""
