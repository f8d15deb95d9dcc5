"""Whether a score has moved so far that others should be told."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.valuation.domain.models.histories import Vector


@dataclass(frozen=True, slots=True)
class MoveRules:
    """How far is far.

    p_alive      points of probability
    clv_share    share of the value last told
    clv_minor    minor units below which a change of value is not worth telling, whatever its share
    """

    p_alive: float = 0.20
    clv_share: float = 0.25
    clv_minor: float = 1000.0

    def moved(
        self, told_p_alive: Vector, told_clv: Vector, p_alive: Vector, clv: Vector
    ) -> npt.NDArray[np.bool_]:
        """Which scores differ materially from what was last told; NaN, for never told, never does.

        The comparison is with what was told, not with yesterday, so that a slow drift is told once it is far.
        """
        change = np.abs(clv - told_clv)
        is_worth = change >= np.maximum(self.clv_minor, self.clv_share * np.abs(told_clv))
        return np.asarray((np.abs(p_alive - told_p_alive) >= self.p_alive) | is_worth)
