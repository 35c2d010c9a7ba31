"""When a call of Slack's Web API may go, for one reply and for a whole workspace.

Slack counts calls per method and workspace, and posts per channel too. Each count is a token bucket
here: its refill is what Slack documents, its size is a guess.

Text edits are scarce (50 a minute for a whole workspace), so some tokens are kept back: one for the
final edit of every reply under way, and for interim edits a few more for replies that begin. Thus
interim edits live on what is left over: a reply alone gets one a second, and many share the refill
in turn, the reader who waits longest first. Of the look-ups in threads, half of what may go at once
is kept back for those an answer needs.

Slack counts for the whole bot. Where several workers are that bot, each spends its share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import assert_never

from bot.core.bucket import Bucket, Budget
from bot.core.reply import Place, Urgency

POST = "chat.postMessage"
EDIT = "chat.update"
DELETE = "chat.delete"
READ = "conversations.replies"
REPLY_METHODS = frozenset({POST, EDIT})
SHARED_METHODS = frozenset({EDIT, DELETE})
"""Of these workers spend shares. The others are seldom short: a share would hold up the first sign
of an answer, or what a worker that has just started looks up."""

INTERIM_GAP_S = 1.0
"""One reply's interim edits are at least this far apart: a reader cannot follow faster."""
NEWCOMERS = 2
"""Tokens interim edits leave for a reply that begins: its first words and its final text."""
OPEN_SHARE = 1 / 6
"""The part of a bucket that replies under way cannot reserve, so that something always moves."""
EXPIRY_S = 120.0
"""A reply that has asked for nothing for so long has no final edit to come."""
CHANNELS_KEPT = 256
"""Above this number channels whose bucket is full are forgotten; they start full anyway."""


# docs.slack.dev, "Rate limits": the documented floors of the tiers, per method and workspace.
TIER_2 = Budget(per_s=20 / 60, burst=5)
TIER_3 = Budget(per_s=50 / 60, burst=10)
TIER_4 = Budget(per_s=100 / 60, burst=20)
# The same page: about one message a second in one channel, short bursts are fine, and several
# hundred a minute in a workspace. A little less than one a second leaves room for the network,
# which may bring two calls closer together than they were sent.
CHANNEL_POSTS = Budget(per_s=0.95, burst=3)
WORKSPACE_POSTS = Budget(per_s=5, burst=30)
# Edits may burst higher than other Tier 3 methods: the finals of many replies come together.
EDITS = Budget(per_s=50 / 60, burst=18)

BUDGETS: Mapping[str, Budget] = MappingProxyType(
    {
        POST: WORKSPACE_POSTS,
        EDIT: EDITS,
        DELETE: TIER_3,
        "chat.postEphemeral": TIER_4,
        "conversations.history": TIER_3,
        "conversations.info": TIER_3,
        "conversations.open": TIER_3,
        READ: TIER_3,
        "files.completeUploadExternal": TIER_4,
        "files.getUploadURLExternal": TIER_4,
        "files.info": TIER_4,
        "users.info": TIER_4,
        "views.open": TIER_4,
        "views.publish": TIER_4,
        "views.update": TIER_4,
    }
)
"""Budgets by method; any other method gets Tier 2, the lowest tier an app meets in daily work."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that asked to go.

    Attributes:
        place: Where its effect is; for a look-up only the workspace counts.
        method: The method whose budget it needs.
        urgency: Its rank.
        asked_at: Monotonic seconds.
        number: Unlike any other of its workspace; smaller asked earlier.
    """

    place: Place
    method: str
    urgency: Urgency
    asked_at: float
    number: int


@dataclass(slots=True)
class _Reply:
    """A reply under way.

    Attributes:
        asked_at: When it last asked for a permit.
        is_wordless: It has shown no words so far.
        granted_at: When it last got a permit; None before the first.
    """

    asked_at: float
    is_wordless: bool = True
    granted_at: float | None = None


class Pacing:
    """Who may call next in one workspace.

    It decides only; waiting is the caller's. After every `ask`, `withdraw` and `throttle`, and at
    `next_at`, call `grant`.

    A reply is under way from its first call asked for until a call with `Urgency.FINAL` is granted
    to it, or until it has been silent for EXPIRY_S.

    Args:
        began_at: Monotonic seconds; since then this worker spends what it is given here.
    """

    def __init__(self, *, began_at: float = 0.0) -> None:
        self._began_at = began_at
        self._share = 1.0
        self._buckets: dict[str, Bucket] = {}
        self._channels: dict[str, Bucket] = {}
        self._waiting: dict[int, Call] = {}
        self._replies: dict[Place, _Reply] = {}
        self._asked = 0

    def spend(self, share: float, *, now: float) -> None:
        """Go on with a share of the SHARED_METHODS' budgets: other workers spend the rest.

        Tokens do not change hands: a share that falls loses those beyond it at once, one that
        rises fills up at its own pace.

        Args:
            share: Over 0; 1 for a worker that is alone. Those of all workers make 1.
            now: Monotonic seconds.
        """
        if share == self._share:
            return
        self._share = share
        for method in SHARED_METHODS & self._buckets.keys():
            bucket = self._buckets[method]
            bucket.resize(_budget(method).part(share), now=now)

    def ask(self, place: Place, *, method: str, urgency: Urgency, now: float) -> Call:
        """Queue a call."""
        self._asked += 1
        call = Call(place, method, urgency, now, self._asked)
        self._waiting[call.number] = call
        if call.method in REPLY_METHODS:
            reply = self._replies.setdefault(place, _Reply(now))
            reply.asked_at = now
            reply.is_wordless = urgency is Urgency.FIRST_WORDS
        return call

    def withdraw(self, call: Call, *, now: float) -> None:
        """Take a call out of the queue, or give its token back when it was granted and not made."""
        if self._waiting.pop(call.number, None) is None:
            for bucket in self._buckets_of(call, now=now):
                bucket.give_back(now=now)

    def grant(self, *, now: float) -> tuple[Call, ...]:
        """Return the calls that go now, the most urgent first, and take their tokens."""
        self._forget_silent(now=now)
        granted: list[Call] = []
        while (call := self._first_ready(now=now)) is not None:
            del self._waiting[call.number]
            for bucket in self._buckets_of(call, now=now):
                bucket.take(now=now)
            self._remember(call, now=now)
            granted.append(call)
        return tuple(granted)

    def next_at(self, *, now: float) -> float | None:
        """Return when `grant` may have something to give; None when nobody waits."""
        return min((self._ready_at(c, now=now) for c in self._waiting.values()), default=None)

    def throttle(self, method: str, *, channel_id: str, retry_after_s: float, now: float) -> None:
        """Let a method rest in the whole workspace: Slack answered 429.

        Args:
            method: The method that was called.
            channel_id: Where; a post's channel is trusted less too. May be empty.
            retry_after_s: From Slack's Retry-After.
            now: Monotonic seconds.
        """
        self._bucket(method, now=now).rest(retry_after_s=retry_after_s, now=now)
        if method == POST:
            self._channel(channel_id, now=now).rest(retry_after_s=retry_after_s, now=now)

    def is_crowded(self, *, now: float) -> bool:
        """Return whether a reply that begins now may have to wait for the edit of its first words.

        Those under way keep a token each for their final edits, and so does this one; those without
        words so far, and this one, take another one soon.
        """
        promised = len(self._replies) + sum(r.is_wordless for r in self._replies.values())
        bucket = self._bucket(EDIT, now=now)
        return bucket.level(now=now) < promised + min(NEWCOMERS, bucket.burst(now=now))

    def rest_s(self, method: str, *, now: float) -> float:
        """Return the seconds until a method may be called again; 0 when it does not rest."""
        return self._bucket(method, now=now).rest_s(now=now)

    def _first_ready(self, *, now: float) -> Call | None:
        ready = (c for c in self._waiting.values() if self._ready_at(c, now=now) <= now)
        return min(ready, key=self._rank, default=None)

    def _rank(self, call: Call) -> tuple[Urgency, float, int]:
        reply = self._replies.get(call.place)
        waits_since = call.asked_at
        if call.urgency is Urgency.INTERIM and reply is not None and reply.granted_at is not None:
            waits_since = reply.granted_at  # what its reader sees is from then
        return call.urgency, waits_since, call.number

    def _ready_at(self, call: Call, *, now: float) -> float:
        bucket = self._bucket(call.method, now=now)
        ready_at = bucket.ready_at(now=now, reserve=self._reserve(call, now=now))
        if call.method == POST:
            channel = self._channel(call.place.channel_id, now=now)
            ready_at = max(ready_at, channel.ready_at(now=now))
        reply = self._replies.get(call.place)
        is_interim = call.urgency is Urgency.INTERIM and call.method in REPLY_METHODS
        if is_interim and reply is not None and reply.granted_at is not None:
            ready_at = max(ready_at, reply.granted_at + INTERIM_GAP_S)
        return ready_at

    def _reserve(self, call: Call, *, now: float) -> float:
        burst = self._bucket(call.method, now=now).burst(now=now)
        if call.method == READ and call.urgency is Urgency.INTERIM:
            return burst / 2
        if call.method != EDIT:
            return 0.0
        most = burst - max(1.0, burst * OPEN_SHARE)
        match call.urgency:
            case Urgency.FINAL:
                return 0.0
            case Urgency.FIRST_WORDS:
                return min(len(self._replies), most)
            case Urgency.INTERIM:
                return min(len(self._replies) + NEWCOMERS, most)
            case _:
                assert_never(call.urgency)

    def _remember(self, call: Call, *, now: float) -> None:
        if call.urgency is Urgency.FINAL:
            self._replies.pop(call.place, None)
        elif call.method in REPLY_METHODS and (reply := self._replies.get(call.place)) is not None:
            reply.granted_at = now

    def _forget_silent(self, *, now: float) -> None:
        waiting = {c.place for c in self._waiting.values()}
        for place, reply in tuple(self._replies.items()):
            if now - reply.asked_at > EXPIRY_S and place not in waiting:
                del self._replies[place]

    def _buckets_of(self, call: Call, *, now: float) -> tuple[Bucket, ...]:
        bucket = self._bucket(call.method, now=now)
        if call.method != POST:
            return (bucket,)
        return bucket, self._channel(call.place.channel_id, now=now)

    def _bucket(self, method: str, *, now: float) -> Bucket:
        if method not in self._buckets:
            self._buckets[method] = self._new_bucket(method, now=now)
        return self._buckets[method]

    def _channel(self, channel_id: str, *, now: float) -> Bucket:
        if channel_id not in self._channels:
            if len(self._channels) >= CHANNELS_KEPT:
                kept = {c: b for c, b in self._channels.items() if not b.is_full(now=now)}
                self._channels = kept
            self._channels[channel_id] = Bucket(CHANNEL_POSTS, now=now)
        return self._channels[channel_id]

    def _new_bucket(self, method: str, *, now: float) -> Bucket:
        budget = _budget(method)
        if self._share == 1 or method not in SHARED_METHODS:
            return Bucket(budget, now=now)
        # When this worker joined, the others may have spent what was in the full bucket.
        return Bucket(budget.part(self._share), now=min(now, self._began_at), level=1.0)


def _budget(method: str) -> Budget:
    return BUDGETS.get(method, TIER_2)
