"""What must be so before a question is asked: its asker may, and no quota is spent."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import structlog

from bot.core import quota_texts, texts
from bot.core.afresh import asks_to_start_afresh
from bot.core.answer import Answer
from bot.core.policy import depends_on_person, may_ask
from bot.core.quiet import asks_for_quiet
from bot.core.quota import Used, counted, judge, resets_in
from bot.core.resolution import Quota
from bot.core.setting import Follow
from bot.errors import SlackTokenRefused
from bot.turns.asker import PUT_OFF_TIMES
from bot.turns.claim import is_overheard, user_team
from bot.turns.ending import Ending
from bot.turns.terms import Terms
from bot.turns.world import World
from storage.records import Turn
from storage.usage_records import Limit

log = structlog.stdlib.get_logger(__name__)


class Gate:
    """Lets a question through, or says with one sentence why not.

    Args:
        turn: As taken.
        terms: What it goes by.
        world: The edges.
    """

    def __init__(self, turn: Turn, *, terms: Terms, world: World) -> None:
        self._turn = turn
        self._terms = terms
        self._world = world
        self._used: Sequence[tuple[Quota, int]] = ()

    def refusal(self) -> Ending | None:
        """Return an ending for somebody who may not ask; a silent one if they did not ask us.

        Raises:
            SlackError: Slack does not tell for now who asks, and that decides: put the turn off.
        """
        turn, terms = self._turn, self._terms
        known = partial(
            may_ask,
            user_id=turn.user_id,
            team_id=turn.team_id,
            user_team_id=user_team(turn),
            who=terms.effective.who,
            admins=self._world.admins,
        )
        if (silence := terms.asker.silence) and depends_on_person(known):
            log.info("asker.untold", code=silence.code, attempts=turn.attempts)
            # Whose token is refused could not show a refusal either.
            if turn.attempts <= PUT_OFF_TIMES or isinstance(silence, SlackTokenRefused):
                raise silence
            return self._refused(
                texts.untold(turn_id=turn.id, language=terms.language), code="asker_untold"
            )
        why = known(terms.person)
        return self._refused(why.say(terms.language)) if why is not None else None

    def _refused(self, sentence: str, *, code: str = "") -> Ending:
        """Return the ending of a question that may not be asked."""
        # Nobody waits for the bot's reasons in a thread it only overheard.
        text = "" if is_overheard(self._turn) else sentence
        return Ending("refused", text=text, code=code, language=self._terms.language)

    async def quiet(self, prompt: str) -> Ending | None:
        """Return an ending when the thread is, or shall be, left alone.

        A word to the bot by name ends the quiet.

        Args:
            prompt: What was said.

        Raises:
            StorageError: The database could not be asked.
        """
        turn, threads = self._turn, self._world.threads
        if self._terms.effective.follow is not Follow.THREAD or turn.channel_id.startswith("D"):
            return None
        place = turn.team_id, turn.channel_id, turn.thread_ts
        language = self._terms.language
        state = await threads.state(*place)
        if state.is_quiet and is_overheard(turn):
            return Ending("hinted", language=language)  # it was claimed just before
        if asks_for_quiet(prompt):
            await threads.quiet(*place, by=turn.user_id)
            return Ending("hinted", text=texts.QUIETED.say(language), language=language)
        if state.is_quiet:
            await threads.wake(*place)
        return None

    async def afresh(self, prompt: str) -> Ending | None:
        """Return an ending when the thread shall be started afresh.

        Args:
            prompt: What was said.

        Raises:
            StorageError: The database could not be asked.
        """
        if not asks_to_start_afresh(prompt):
            return None
        turn, language = self._turn, self._terms.language
        place = turn.team_id, turn.channel_id, turn.thread_ts
        await self._world.memory.forget(*place, up_to_ts=turn.message_ts)
        # As a note it is no part of what was said in the thread.
        return Ending("hinted", note=texts.AFRESH.say(language), language=language)

    async def admit(self) -> Ending | None:
        """Count the turn; return an ending when a quota leaves no room for it.

        Raises:
            StorageError: The database could not be asked; counting again later counts once.
        """
        turn, effective, language = self._turn, self._terms.effective, self._terms.language
        limits = [_limit(quota) for quota in effective.quotas]
        admission = await self._world.usage.admit(
            turn.id,
            team_id=turn.team_id,
            channel_id=turn.channel_id,
            user_id=turn.user_id,
            app=effective.app.name,
            limits=limits,
        )
        if admission.refused is None:
            used = (count for _, count in admission.used)
            self._used = tuple(zip(effective.quotas, used, strict=True))
            return None
        spent = effective.quotas[limits.index(admission.refused)]
        log.info("quota.spent", per=spent.per, unit=spent.unit, limit=spent.limit)
        return self._refused(
            quota_texts.spent(spent, resets_in=resets_in(datetime.now(UTC)), language=language)
        )

    def warning(self, answer: Answer) -> str:
        """Return the note on the quota that comes to its end first; empty while none does."""
        tokens = sum(used.input_tokens + used.output_tokens for used in answer.usage)
        near = [
            (quota, counted(quota, used))
            for quota, before in self._used
            for used in [Used(turns=before + 1, tokens=before + tokens)]
            if judge(quota, used) != "ok"
        ]
        if not near:
            return ""
        quota, count = max(near, key=lambda each: each[1] / each[0].limit)
        return quota_texts.near(
            quota,
            used=count,
            resets_in=resets_in(datetime.now(UTC)),
            language=self._terms.language,
        )


def _limit(quota: Quota) -> Limit:
    return Limit(per=quota.per, unit=quota.unit, limit=quota.limit, across=quota.across)
