"""Workers in statements: register, renew, declare dead, leave. PostgreSQL only, but for `leave`.

A worker is alive while its row's lease is. It also holds an advisory lock on the connection it
renews from, which the server frees the moment that connection ends: a lock that can be had tells
of a death long before the lease runs out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from storage.clock import now_ms
from storage.endings import stop_requests
from storage.inbox import requeue, requeue_unowned
from storage.tables import is_running, turn, worker


@dataclass(frozen=True, slots=True)
class Identity:
    """How a worker is entered in the table.

    Attributes:
        worker_id: Its id.
        lock_no: The advisory lock its present connection holds.
        lease_ms: How long an entry is good for.
    """

    worker_id: str
    lock_no: int
    lease_ms: int


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a heartbeat found.

    Attributes:
        renewed: Whether the worker was still in the table; False after it was declared dead, and
            the first time.
        stops: Its running turns that somebody wants stopped.
        live_workers: Workers whose lease is good, this one included.
        turns: How many turns of each workspace are run, by this worker and by anybody.
    """

    renewed: bool
    stops: list[int]
    live_workers: int
    turns: Mapping[str, tuple[int, int]]

    def share(self, team_id: str) -> float:
        """Return what part of a workspace's work is this worker's, as if each ran one turn more.

        So an idle worker has a share too, for the next turn it takes. What all workers find at one
        moment makes 1.
        """
        own, everybodys = self.turns.get(team_id, (0, 0))
        return (own + 1) / (everybodys + self.live_workers)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A worker whose connection has ended.

    Attributes:
        worker_id: Its id.
        lock_no: The lock it does not hold any more.
        lease_until_ms: Its lease when it was looked at; a later one shows that it lives.
    """

    worker_id: str
    lock_no: int
    lease_until_ms: int


def try_lock(conn: sa.Connection, lock_no: int) -> bool:
    """Take an advisory lock for as long as the connection lives; False if somebody has it."""
    return conn.execute(sa.select(sa.func.pg_try_advisory_lock(lock_no))).scalar_one()


def beat(conn: sa.Connection, identity: Identity) -> Pulse:
    """Renew a worker's lease, entering it first if need be, and look at what the others do."""
    lease = {"lock_no": identity.lock_no, "lease_until_ms": now_ms() + identity.lease_ms}
    renewal = sa.update(worker).where(worker.c.id == identity.worker_id).values(lease)
    renewed = conn.execute(renewal).rowcount > 0
    if not renewed:
        entry = {"id": identity.worker_id, "started_at_ms": now_ms(), **lease}
        conn.execute(sa.insert(worker).values(entry))
    alive = sa.select(sa.func.count()).where(worker.c.lease_until_ms >= now_ms())
    own = sa.func.count().filter(turn.c.worker_id == identity.worker_id)
    running = sa.select(turn.c.team_id, own, sa.func.count()).where(is_running())
    turns = conn.execute(running.group_by(turn.c.team_id)).all()
    return Pulse(
        renewed=renewed,
        stops=stop_requests(conn, identity.worker_id),
        live_workers=conn.execute(alive).scalar_one(),
        turns={team_id: (own, everybodys) for team_id, own, everybodys in turns},
    )


def reap_expired(conn: sa.Connection) -> int:
    """Remove the workers whose lease ran out and give their turns back; return how many turns.

    A worker that cannot renew its lease stops having visible effects before it runs out.
    """
    conn.execute(sa.delete(worker).where(worker.c.lease_until_ms < now_ms()))
    return requeue_unowned(conn)


def suspects(conn: sa.Connection, worker_id: str) -> list[Suspect]:
    """Return the other workers whose connection has ended."""
    statement = sa.select(worker.c.id, worker.c.lock_no, worker.c.lease_until_ms).where(
        worker.c.id != worker_id, _lock_is_free()
    )
    return [Suspect(row.id, row.lock_no, row.lease_until_ms) for row in conn.execute(statement)]


def reap_suspects(conn: sa.Connection, found: list[Suspect]) -> int:
    """Remove the suspects that gave no sign of life since, and give their turns back.

    One that came back has another lock and a longer lease.
    """
    silent = sa.or_(
        sa.false(),
        *(
            sa.and_(
                worker.c.id == suspect.worker_id,
                worker.c.lock_no == suspect.lock_no,
                worker.c.lease_until_ms == suspect.lease_until_ms,
            )
            for suspect in found
        ),
    )
    conn.execute(sa.delete(worker).where(silent))
    return requeue_unowned(conn)


def leave(conn: sa.Connection, worker_id: str) -> int:
    """Remove a worker that goes in order; its turns go back as if never taken."""
    conn.execute(sa.delete(worker).where(worker.c.id == worker_id))
    return requeue(conn, turn.c.worker_id == worker_id, attempts=turn.c.attempts - 1)


def _lock_is_free() -> sa.ColumnElement[bool]:
    # Held until the end of the transaction only, by whichever worker looks.
    return sa.func.pg_try_advisory_xact_lock(worker.c.lock_no, type_=sa.Boolean)
