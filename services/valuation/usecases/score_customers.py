"""Score customers by the version in force, keep the scores, and publish those that moved materially."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np

from services.valuation.domain.events import CustomerScored
from services.valuation.domain.serving.refit_status import RefitCommand, RefitStatus, next_status
from services.valuation.domain.serving.scoring import Bought, Scores, ValueModel, score
from services.valuation.persistence import customer_scores, model_versions, refit_jobs, standings
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.note_scores import Score, note_scores
from shared.db.work import Work
from shared.kernel import failpoints

Row = Mapping[str, Any]

SCORES_WRITTEN = failpoints.declare(
    "valuation.scores_written", "the batch rolls back and is scored again from its first customer"
)


async def score_next(work: Work, valuation: Valuation) -> int:
    """The next batch of the job that is scoring; how many customers were looked at, at least 1 with a job."""
    job = await refit_jobs.lock_open(work)
    if job is None or job.status is not RefitStatus.SCORING:
        return 0
    limit = valuation.serving.batch_customers
    rows = await customer_scores.bought_after(work, job.scored_through, limit)
    left = max(0, valuation.serving.most_told - job.told)
    scored, told = await _keep(rows, job.history_day, left, work, valuation)
    job = replace(
        job,
        scored=job.scored + scored,
        told=job.told + told,
        scored_through=rows[-1]["customer_id"] if rows else job.scored_through,
    )
    if len(rows) < limit:
        job = replace(job, status=next_status(job.status, RefitCommand.COMPLETE), completed_at=work.now)
    await refit_jobs.save(work, job)
    failpoints.hit(SCORES_WRITTEN)
    return max(1, len(rows))


async def score_requested(work: Work, valuation: Valuation) -> int:
    """Customers who bought since they were scored; how many there were.

    Their standings are locked first, as those who book do: a purchase comes before this score or asks for another.
    """
    ids = await customer_scores.requested(work, valuation.batch_rows)
    if not ids:
        return 0
    await standings.lock_many(work, ids)
    await customer_scores.done(work, ids)
    rows = await customer_scores.bought_of(work, ids)
    await _keep(rows, valuation.ledger.calendar.day_of(work.now), len(rows), work, valuation)
    return len(ids)


async def _keep(
    rows: Sequence[Row], today: date, most_told: int, work: Work, valuation: Valuation
) -> tuple[int, int]:
    """Score those who bought and forget the others; how many were scored, and how many of these published."""
    await customer_scores.forget(
        work, [row["customer_id"] for row in rows if row["is_kept"] and not row["purchase_days"]]
    )
    bought = [row for row in rows if row["purchase_days"]]
    version = await model_versions.in_force(work) if bought else None
    model = None if version is None else version.model()
    if model is None:
        return 0, 0
    serving = valuation.serving
    scores = score(model, _columns(bought, today), serving.scores)
    # None, for never told, becomes NaN.
    told_p_alive = np.array([row["told_p_alive"] for row in bought], dtype=np.float64)
    told_clv = np.array([row["told_clv_minor"] for row in bought], dtype=np.float64)
    moved = serving.moves.moved(told_p_alive, told_clv, scores.p_alive, scores.clv_minor)
    telling = np.flatnonzero(moved)[:most_told]
    await _tell(bought, telling.tolist(), scores, model, today, work, valuation)
    # The first score of a customer is where moves are measured from.
    renewed = np.isnan(told_clv)
    renewed[telling] = True
    rows_to_keep = zip(
        [row["customer_id"] for row in bought],
        [model.version] * len(bought),
        [today] * len(bought),
        scores.p_alive.tolist(),
        scores.expected_purchases.tolist(),
        scores.clv_minor.tolist(),
        np.where(renewed, scores.p_alive, told_p_alive).tolist(),
        np.where(renewed, scores.clv_minor, told_clv).tolist(),
        strict=True,
    )
    await customer_scores.save_many(work, list(rows_to_keep))
    return len(bought), len(telling)


async def _tell(
    bought: Sequence[Row],
    places: Sequence[int],
    scores: Scores,
    model: ValueModel,
    today: date,
    work: Work,
    valuation: Valuation,
) -> None:
    """Publish the scores at these places, and look whether the customers need somebody's attention."""
    if not places:
        return
    locked = await standings.lock_many(work, [bought[place]["customer_id"] for place in places])
    for place in places:
        row = bought[place]
        customer_id: UUID = row["customer_id"]
        locked[customer_id].happened(
            CustomerScored,
            work.now,
            model_version=model.version,
            scored_on=today,
            p_alive=float(scores.p_alive[place]),
            expected_purchases=float(scores.expected_purchases[place]),
            clv_minor=round(float(scores.clv_minor[place])),
            previous_p_alive=row["told_p_alive"],
            previous_clv_minor=round(row["told_clv_minor"]),
            currency=valuation.ledger.currency,
        )
    await standings.save_many(work, list(locked.values()))
    noted = [
        Score(
            bought[place]["customer_id"],
            float(scores.p_alive[place]),
            p_alive_before=bought[place]["told_p_alive"],
        )
        for place in places
    ]
    await note_scores(noted, work, valuation)


def _columns(rows: Sequence[Row], today: date) -> Bought:
    first = np.array([row["first_day"].toordinal() for row in rows], dtype=np.float64)
    last = np.array([row["last_day"].toordinal() for row in rows], dtype=np.float64)
    return Bought(
        days=np.array([row["purchase_days"] for row in rows], dtype=np.float64),
        recency=last - first,
        age=np.maximum(last, today.toordinal()) - first,
        spend=np.array([row["spend_minor"] for row in rows], dtype=np.float64),
        first_spend=np.array([row["first_day_spend_minor"] for row in rows], dtype=np.float64),
        margin=np.array([row["margin_minor"] for row in rows], dtype=np.float64),
    )
