"""What can be wrong with an indicator system: each condition has a name."""

from shared.kernel.errors import ConflictError, InvalidInputError, NotFoundError


class IndicatorSystemNotFoundError(NotFoundError):
    """There is no such version of the indicator system."""


class IndicatorMeasurementNotFoundError(NotFoundError):
    """There is no such measurement of the population."""


class IndicatorSourceUnknownError(InvalidInputError):
    """An indicator reads one of the listed sources; who a person is (age, sex, origin, health, belief) is none."""


class IndicatorRepeatedError(InvalidInputError):
    """Each source counts once in a system, and each group has a name of its own."""


class InfluenceMixedError(InvalidInputError):
    """Influence stands in groups of its own, so that it is never mixed with what a customer brings."""


class WinsorLimitsInvalidError(InvalidInputError):
    """Winsor limits are shares with 0 ≤ lowest < highest ≤ 1."""


class WeightingIncompleteError(InvalidInputError):
    """AHP needs a matrix, given weights need weights, a mix a matrix and its share; nothing else is sent."""


class WeightsDoNotSumError(InvalidInputError):
    """Given weights are shares from 0 to 1, one for each item, that sum to 1."""


class JudgementMatrixNotSquareError(InvalidInputError):
    """A matrix of judgements has one row and one column for each item, at most 15."""


class JudgementOutOfRangeError(InvalidInputError):
    """A judgement is between 1/9 (far less important) and 9 (far more important)."""


class JudgementsNotReciprocalError(InvalidInputError):
    """A judgement and the one the other way round multiply to 1; an item beside itself is 1."""


class JudgementsInconsistentError(InvalidInputError):
    """The judgements contradict each other (consistency ratio .1 or more); think again about the named ones."""


class PopulationNotMeasuredError(ConflictError):
    """This needs a measurement of all customers; start one with POST /valuation/v1/indicator-measurements."""
