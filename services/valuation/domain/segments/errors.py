"""What can be wrong with the cuts of segments: each condition has a name."""

from shared.kernel.errors import InvalidInputError, NotFoundError


class SegmentRulesNotFoundError(NotFoundError):
    """There is no such version of the segment rules."""


class SegmentCutsOutOfOrderError(InvalidInputError):
    """Two cuts make low, medium and high: the first is above 0, the second above the first."""
