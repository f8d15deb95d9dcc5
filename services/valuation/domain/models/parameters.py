"""What the parameters of all models have in common."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from services.valuation.domain.models.errors import ModelParametersInvalidError
from services.valuation.domain.models.histories import Vector
from services.valuation.domain.models.maximum import Problem


@dataclass(frozen=True, slots=True)
class Parameters(ABC):
    """Positive numbers under the names that the papers give them, in the order of the fields."""

    NAME: ClassVar[str]

    @classmethod
    @abstractmethod
    def problem(cls, data: Any) -> Problem:
        """What is to be maximised for the data, a class of `histories`; see Problem."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))

    @classmethod
    def of_logs(cls, logs: Vector) -> Self:
        return cls(*(float(value) for value in np.exp(logs)))

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """Raises ModelParametersInvalidError when a name is missing or unknown, or a value not above zero."""
        names = cls.names()
        if set(given) != set(names):
            raise ModelParametersInvalidError(f"{cls.NAME} has the parameters {', '.join(names)}")
        values = []
        for name in names:
            value = given[name]
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ModelParametersInvalidError(f"{name} must be a number")
            if not (math.isfinite(value) and value > 0):
                raise ModelParametersInvalidError(f"{name} must be finite and above 0")
            values.append(float(value))
        return cls(*values)

    def as_dict(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in self.names()}

    def logs(self) -> Vector:
        return np.log([getattr(self, name) for name in self.names()])
