"""The judgement: what the simulators' journals say about every question.

Nothing of the bot's own record is believed here. A question is followed by its tag through Slack's
messages and their versions, Slack's deliveries, and DashScope's requests.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rig import BOT, Rig, is_growing, is_waiting_line, turn_of

from bot.core import texts
from bot.core.language import Language
from bot.playground.dashscope.journal import Entry
from bot.playground.slack.delivery import ParcelKind
from bot.playground.slack.message import Message, visible_text
from chaos.disasters import Disaster, Struck
from chaos.questions import END, TAG, Asked, is_whole, question

CUT = texts.cut(turn_id=0, language=Language.EN).partition(";")[0]
GAVE_UP = texts.gave_up(turn_id=0, language=Language.EN).partition("(")[0]
AFRESH = f"\n{texts.NEW_SESSION.en}"
"""Under the answer after one that failed: its session may be gone, so another one was begun."""
UNTOLD = f"\n{texts.NO_HISTORY.en}"
"""Under the first answer of a thread that could not be read in time."""
TRIES = 5
"""Deaths after which a turn may be given up."""
LATE_S = {
    Disaster.KILL: 2.0,
    Disaster.TERM: 2.0,
    Disaster.PAUSE: 2.0,
    Disaster.FREEZE: 4.0,
    Disaster.DATABASE: 12.0,
}
"""What a disaster did may show in a journal so much later: a worker that slept finds out with its
next heartbeat, and one without its database goes on until its lease has run out."""


@dataclass
class Verdict:
    """What came out.

    Attributes:
        rig: The servers, whose journals are read.
        asked: Every question.
        struck: Every disaster.
        ends: When each request to DashScope ended, by request id.
        wrong: Everything that must not be.
        outcomes: How many replies ended in which way.
    """

    rig: Rig
    asked: Sequence[Asked]
    struck: Sequence[Struck]
    ends: Mapping[str, float]
    wrong: list[str] = field(default_factory=list[str])
    outcomes: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        """Sort the journals by question and by thread."""
        self._by_thread: defaultdict[tuple[str, str], list[Asked]] = defaultdict(list)
        for asked in self.asked:
            self._by_thread[asked.channel, asked.thread].append(asked)
        self._entries: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in self.rig.asked():
            self._entries[question(entry.body["input"]["prompt"])].append(entry)
        self._whole_events = max((e.events_sent for e in self.rig.asked()), default=0)

    def judge(self) -> None:
        """Check everything and fill in `wrong` and `outcomes`."""
        for (channel, thread), asked in self._by_thread.items():
            self._judge_thread(self.rig.reply(thread, channel=channel), asked)
            self._judge_requests_in_turn(asked)
        for asked in self.asked:
            self._judge_requests(asked)
        self._judge_versions()
        if mass := [ping for ping in self.rig.slack.workspace.pings if ping.is_mass]:
            self.wrong.append(f"mass mentions: {mass}")
        unknown = self._entries.keys() - {asked.tag for asked in self.asked}
        self.wrong += [f"asked what nobody asked: {prompt!r}" for prompt in unknown]

    # what readers see

    def _judge_thread(self, replies: Sequence[Message], asked: Sequence[Asked]) -> None:
        tags = [each.tag for each in asked]
        self.wrong += [self._left_over(reply) for reply in replies if is_waiting_line(reply)]
        replies = [reply for reply in replies if not is_waiting_line(reply)]
        has_failed = any(_is_refused(entry) for tag in tags for entry in self._entries[tag])
        if len(replies) != len(asked):
            self.wrong.append(f"{tags}: {len(replies)} replies")
        named: list[str] = []
        nameless: list[str] = []
        for reply in replies:
            shown = visible_text(reply)
            found = TAG.search(shown)
            if is_growing(reply):
                self.wrong.append(f"{tags}: still growing: {shown!r}")
            elif found is None:
                nameless.append(shown)
            else:
                named.append(found[0])
                shown = shown.removesuffix(UNTOLD).removesuffix(AFRESH if has_failed else "")
                self._judge_answer(shown, found[0])
        if doubled := [tag for tag, count in Counter(named).items() if count > 1]:
            self.wrong.append(f"answered twice: {doubled}")
        self._judge_failures(nameless, [tag for tag in tags if tag not in named])
        self._judge_order(named, asked)

    def _left_over(self, line: Message) -> str:
        calls = [c for c in self.rig.slack.journal.calls if c.arguments.get("ts") == line.ts]
        tried = [(call.method, call.outcome) for call in calls]
        return f"turn {turn_of(line)}: {visible_text(line)!r} was left, after {tried}"

    def _judge_answer(self, shown: str, tag: str) -> None:
        if is_whole(shown, tag):
            self.outcomes["answered"] += 1
        elif CUT in shown and any(map(self._is_cut, self._entries[tag])):
            self.outcomes["cut"] += 1
        else:
            self.wrong.append(f"{tag}: neither whole nor cut by the app: {shown!r}")

    def _judge_failures(self, shown: Sequence[str], tags: Sequence[str]) -> None:
        """Check sentences that name no question against the questions without an answer."""
        for text, tag in zip(shown, tags, strict=False):
            entries = self._entries[tag]
            if GAVE_UP in text and len(self._disasters_since(tag)) >= TRIES:
                self.outcomes["gave up"] += 1
            elif "(id T" in text and any(map(_is_refused, entries)):
                self.outcomes["failed"] += 1
            else:
                self.wrong.append(f"{tag}: {text!r} after {[_brief(entry) for entry in entries]}")
        self.wrong += [f"{tag}: no reply" for tag in tags[len(shown) :]]

    def _judge_order(self, named: Sequence[str], asked: Sequence[Asked]) -> None:
        """A question Slack knew to be taken before the next was sent is answered before it."""
        place = {tag: number for number, tag in enumerate(named)}
        taken, sent = self._delivered()
        for number, first in enumerate(asked):
            for second in asked[number + 1 :]:
                is_before = taken.get(first.ts, float("inf")) < sent.get(second.ts, 0.0)
                if is_before and place.get(first.tag, -1) > place.get(second.tag, len(named)):
                    self.wrong.append(f"{second.tag} answered before {first.tag}")

    def _delivered(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return by message when Slack first heard it was taken, and when it first sent it."""
        taken: dict[str, float] = {}
        sent: dict[str, float] = {}
        for delivery in self.rig.slack.deliveries:
            if delivery.parcel.kind is not ParcelKind.EVENT:
                continue
            ts = delivery.parcel.payload["event"].get("ts", "")
            for attempt in delivery.attempts:
                sent[ts] = min(sent.get(ts, attempt.at), attempt.at)
                if not attempt.failure:
                    at = attempt.at + attempt.took_s
                    taken[ts] = min(taken.get(ts, at), at)
        return taken, sent

    def _judge_versions(self) -> None:
        """No message showed another question's text, lost its end again, or came and went.

        Lines that say that a question waits do come and go; `_judge_thread` sees that they went.
        """
        ended: set[tuple[str, str]] = set()
        shown: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        turns: defaultdict[int, set[tuple[str, str]]] = defaultdict(set)
        for version in self.rig.slack.workspace.versions:
            key, message = (version.channel_id, version.ts), version.message
            if message is None and key in shown:
                self.wrong.append(f"{shown[key]} was deleted")
            if message is None or message.user != BOT or is_waiting_line(message):
                continue
            shown[key] |= set(TAG.findall(version.text))
            turns[turn_of(message)].add(key)
            # Until its Stop button goes, whoever takes the turn over may have to ask again.
            if END in version.text and not is_growing(message):
                ended.add(key)
            elif key in ended:
                self.wrong.append(f"the whole answer of {shown[key]} became {version.text!r}")
        self.wrong += [f"{tags} in one message" for tags in shown.values() if len(tags) > 1]
        self.wrong += [f"turn {t} has {len(ts)} messages" for t, ts in turns.items() if len(ts) > 1]

    # what the app was asked

    def _judge_requests(self, asked: Asked) -> None:
        """Each further request of a question has its reason: a refusal, or a disaster."""
        entries = self._entries[asked.tag]
        for before, after in itertools.pairwise(entries):
            if _is_refused(before):
                continue
            # Who asked is gone since: before the end of the request, or before that was stored.
            start = self.ends[before.request_id] if before.aborted else before.at
            if not self._disasters_between(start, start if before.aborted else after.at):
                pair = [_brief(before), _brief(after)]
                self.wrong.append(f"{asked.tag}: asked again without need: {pair}")

    def _judge_requests_in_turn(self, asked: Sequence[Asked]) -> None:
        """The questions of one thread are asked one after the other.

        One that was interrupted lets an earlier one go first that Slack delivered late.
        """
        entries = sorted(
            ((entry, each.tag) for each in asked for entry in self._entries[each.tag]),
            key=lambda pair: pair[0].at,
        )
        last: dict[str, Entry] = {}
        before = ""
        for entry, tag in entries:
            is_split = tag in last and tag != before
            if is_split and not self._disasters_between(last[tag].at, entry.at):
                self.wrong.append(f"requests of one thread are mixed: {[t for _, t in entries]}")
                return
            before, last[tag] = tag, entry

    def _disasters_between(self, start: float, end: float) -> list[Struck]:
        return [
            each
            for each in self.struck
            if each.began_at <= end and each.ended_at + LATE_S[each.disaster] >= start
        ]

    def _disasters_since(self, tag: str) -> list[Struck]:
        """Return what happened since a question was first asked, or sent if it never was."""
        entries, (_, sent) = self._entries[tag], self._delivered()
        (ts,) = (asked.ts for asked in self.asked if asked.tag == tag)
        return self._disasters_between(entries[0].at if entries else sent[ts], float("inf"))

    def _is_cut(self, entry: Entry) -> bool:
        return not entry.aborted and 0 < entry.events_sent < self._whole_events

    # what happened

    def summary(self) -> Iterator[str]:
        """Yield lines that tell what was done to the bots and what came of it."""
        kinds = Counter(each.disaster for each in self.struck)
        entries = self.rig.asked()
        calls = Counter(call.outcome for call in self.rig.slack.journal.calls)
        attempts = [a for d in self.rig.slack.deliveries for a in d.attempts]
        yield (
            f"{len(self.asked)} questions in {len(self._by_thread)} threads: "
            f"{dict(self.outcomes)}; {len(self.wrong)} wrong"
        )
        yield "processes: " + ", ".join(f"{kinds[kind]} {kind.value}" for kind in Disaster)
        yield (
            f"DashScope: {len(entries)} requests, {sum(map(_is_refused, entries))} refused, "
            f"{sum(map(self._is_cut, entries))} cut, {sum(e.aborted for e in entries)} abandoned"
        )
        yield f"Slack's calls: {dict(calls)}"
        yield (
            f"deliveries: {len(self.rig.slack.deliveries)} in {len(attempts)} attempts, "
            f"{sum(bool(a.failure) for a in attempts)} failed"
        )


def _is_refused(entry: Entry) -> bool:
    """No event of an answer came, and the app itself ended the request."""
    return not entry.aborted and entry.finished and entry.events_sent == 0


def _brief(entry: Entry) -> str:
    how = "abandoned" if entry.aborted else "ended"
    return f"{entry.at:.1f}: {entry.status}, {entry.events_sent} events, {how}"
