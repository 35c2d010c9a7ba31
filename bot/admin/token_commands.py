"""`tokens`: everybody's own tokens for plugins, which are entered in a form alone."""

from collections.abc import Iterator, Sequence

from bot.admin import scopes
from bot.admin import token_texts as texts
from bot.admin.forms import asking_form
from bot.admin.marks import code
from bot.admin.office import Office
from bot.admin.plugin_tokens import PluginTokens
from bot.admin.ports import Press, Visit
from bot.admin.replies import typeable
from bot.admin.shown_settings import effective_at
from bot.admin.submission import Submission
from bot.core.field_checks import MAX_WORD_CHARS
from bot.core.language import Language
from bot.core.mentions import defuse
from bot.core.plugin_tokens import MAX_TOKEN_CHARS, MAX_TOKENS, token_problem, tool_problem
from bot.core.screens import (
    MAX_OPTION_CHARS,
    Button,
    Closed,
    Errors,
    Form,
    Input,
    Notice,
    Prose,
    Submitted,
)

CALLBACK = "token"
"""What a submission of the form names."""
ADD, REPLACE, REMOVE = "token.add", "token.replace", "token.remove"
ACTIONS = frozenset({ADD, REPLACE, REMOVE})
ANY_TOOL = "new"
"""The value of the button that adds a token when no plugin here wants one."""

_LABEL_ROOM = 60
"""Of a plugin's id on a button, so that the words around it fit as well."""


async def show_tokens(office: Office, visit: Visit, typed: str) -> Notice:
    """Return the plugins the caller has tokens for, with buttons.

    Args:
        office: The services.
        visit: Who asks.
        typed: What stood after the command: nothing belongs there, and it may be a token.

    Raises:
        StorageError: The database did not answer.
    """
    caller, language = visit.caller, visit.language
    if typed.strip():
        return Notice(texts.NEVER_TYPED.say(language, command=typeable("tokens")))
    kept = await PluginTokens(office.storage.secrets).tools(caller.team_id, caller.user_id)
    effective, _ = await effective_at(office, visit, scopes.here(caller))
    used = effective.plugins
    lines = [f"- {line}" for line in _lines(kept, used, language=language)]
    parts = [texts.TITLE.say(language), "\n".join(lines) or texts.NONE.say(language)]
    if why := effective.reasons.get("plugins"):
        parts.append(texts.NONE_GOES.say(language, reason=defuse(why.say(language))))
    can_keep = office.storage.secrets.is_open
    if not can_keep:
        parts.append(texts.LOCKED.say(language))
    return Notice("\n\n".join(parts), _buttons(kept, used, can_keep=can_keep, language=language))


async def token_pressed(office: Office, visit: Visit, press: Press) -> Notice | None:
    """Open the form, or forget a token; what is pressed concerns the caller's own alone.

    Args:
        office: The services.
        visit: Who pressed.
        press: One of ACTIONS; its value names the plugin.

    Raises:
        SlackError: Slack did not open the form.
        StorageError: The database did not answer.
    """
    language, caller, tool_id = visit.language, visit.caller, press.value
    problem = tool_problem(tool_id)
    if press.action == REMOVE:
        if problem is not None:
            return Notice(problem.say(language))
        await PluginTokens(office.storage.secrets).remove(caller.team_id, caller.user_id, tool_id)
        return Notice(texts.REMOVED.say(language, tool=code(tool_id)))
    if not office.storage.secrets.is_open:
        return Notice(texts.LOCKED.say(language))
    is_named = problem is None and (press.action, tool_id) != (ADD, ANY_TOOL)
    await visit.screen.open(token_form(tool_id if is_named else "", language=language))
    return None


def token_form(tool_id: str, *, language: Language) -> Form:
    """Return the form that takes a token; it never holds one that is kept already."""
    tool = Input(
        key="tool",
        label=texts.TOOL_LABEL.say(language),
        kind="line",
        value=tool_id,
        hint=texts.TOOL_HINT.say(language),
        is_optional=False,
        max_chars=MAX_WORD_CHARS,
    )
    token = Input(
        key="token",
        label=texts.TOKEN_LABEL.say(language),
        kind="line",
        hint=texts.TOKEN_HINT.say(language),
        is_optional=False,
        max_chars=MAX_TOKEN_CHARS,
    )
    parts = (Prose(texts.FORM_PROSE.say(language)), tool, token)
    return asking_form(CALLBACK, texts.FORM_TITLE, parts, language=language)


async def token_submitted(submission: Submission) -> Submitted:
    """Keep a token for whoever sent the form, or say at which field what is wrong.

    Raises:
        StorageError: The database did not answer.
    """
    office, caller, language = submission.office, submission.caller, submission.language
    if not office.storage.secrets.is_open:
        return submission.refused(texts.LOCKED)
    tool_id, token = submission.text("tool"), submission.text("token")
    found = {"tool": tool_problem(tool_id), "token": token_problem(token)}
    if errors := {key: problem.say(language) for key, problem in found.items() if problem}:
        return Errors(errors)
    tokens = PluginTokens(office.storage.secrets)
    kept = await tokens.tools(caller.team_id, caller.user_id)
    if tool_id not in kept and len(kept) >= MAX_TOKENS:
        return Errors({"tool": texts.FULL.say(language, most=MAX_TOKENS)})
    await tokens.put(caller.team_id, caller.user_id, tool_id, token=token)
    return Closed(Notice(texts.SAVED.say(language, tool=code(tool_id))))


def _lines(kept: Sequence[str], used: Sequence[str], *, language: Language) -> Iterator[str]:
    for tool in kept:
        phrase = texts.KEPT_USED if tool in used else texts.KEPT
        yield phrase.say(language, tool=code(tool))
    for tool in used:
        if tool not in kept:
            yield texts.WANTED.say(language, tool=code(tool))


def _buttons(
    kept: Sequence[str], used: Sequence[str], *, can_keep: bool, language: Language
) -> tuple[Button, ...]:
    buttons: list[Button] = []
    if can_keep and len(kept) < MAX_TOKENS:
        wanted = next((tool for tool in used if tool not in kept), ANY_TOOL)
        buttons.append(Button(ADD, texts.ADD.say(language), wanted, style="primary"))
    # Two who were sent at once may have made one more than there can be.
    for tool in kept[: MAX_TOKENS + 2]:
        shown = tool if len(tool) <= _LABEL_ROOM else f"{tool[: _LABEL_ROOM - 1]}…"
        if can_keep:
            label = texts.REPLACE.say(language, tool=shown)[:MAX_OPTION_CHARS]
            buttons.append(Button(REPLACE, label, tool))
        label = texts.REMOVE.say(language, tool=shown)[:MAX_OPTION_CHARS]
        sure = texts.SURE.say(language, tool=shown)
        buttons.append(Button(REMOVE, label, tool, style="danger", confirm=sure))
    return tuple(buttons)
