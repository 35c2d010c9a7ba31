"""Modals and Home tabs: their checks, and the stack a person sees."""

import itertools
import json
from dataclasses import dataclass, field, replace
from typing import Any

from bot.playground.slack.arguments import refuse_arguments
from bot.playground.slack.checks import checked_blocks
from bot.playground.slack.inputs import problems_of_label
from bot.playground.slack.payload import Json, RefusedError, as_object, as_text

# Docs pages "modals" and "view object".
_BYTES_MAX = 250_000
_BLOCKS_MAX = 100
_LABEL_CHARS_MAX = 24
_CALLBACK_ID_CHARS_MAX = 255
_PRIVATE_METADATA_CHARS_MAX = 3_000
_STACK_MAX = 3


@dataclass(frozen=True, slots=True)
class View:
    """A modal or a Home tab as one person sees it.

    Attributes:
        view_id: `V…`.
        user: Who sees it.
        payload: As the app sent it, its blocks named.
        hash: Changes with each update.
        root_id: The bottom of its stack.
        previous_id: The modal below it; empty at the bottom.
        kept: What was entered before it was updated: block_id -> action_id -> value object.
    """

    view_id: str
    user: str
    payload: Json
    hash: str
    root_id: str
    previous_id: str = ""
    kept: Json = field(default_factory=dict[str, Any])

    @property
    def is_home(self) -> bool:
        """It is a Home tab."""
        return self.payload.get("type") == "home"

    @property
    def blocks(self) -> tuple[Json, ...]:
        """Its blocks."""
        return tuple(self.payload["blocks"])

    @property
    def external_id(self) -> str:
        """The app's own name for it; empty without one."""
        return as_text(self.payload.get("external_id"))


def checked_view(value: Any, *, kind: str) -> Json:
    """Return a view's payload after checking it.

    Args:
        value: The argument `view`.
        kind: `modal` or `home`.

    Raises:
        RefusedError: `invalid_arguments`, `view_too_large` or `invalid_blocks`.
    """
    view = as_object(value)
    if len(json.dumps(view).encode()) > _BYTES_MAX:
        raise RefusedError("view_too_large")
    problems = [
        *_problems_of_kind(view, kind=kind),
        *_problems_of_labels(view, required=("title",) if kind == "modal" else ()),
        *_problems_of_lengths(view),
    ]
    if problems:
        refuse_arguments(*problems)
    blocks = checked_blocks(view.get("blocks"), most=_BLOCKS_MAX)
    if not blocks:
        refuse_arguments("blocks must have at least 1 item")
    if kind == "modal" and "submit" not in view and any(b["type"] == "input" for b in blocks):
        refuse_arguments("submit is required with input blocks")
    return view


def _problems_of_kind(view: Json, *, kind: str) -> list[str]:
    return [] if view.get("type") == kind else [f"view.type must be {kind}"]


def _problems_of_labels(view: Json, *, required: tuple[str, ...]) -> list[str]:
    return [
        f"view.{problem}"
        for name in ("title", "submit", "close")
        if name in view or name in required
        for problem in problems_of_label(view, name, most=_LABEL_CHARS_MAX)
    ]


def _problems_of_lengths(view: Json) -> list[str]:
    limits = {
        "callback_id": _CALLBACK_ID_CHARS_MAX,
        "external_id": _CALLBACK_ID_CHARS_MAX,
        "private_metadata": _PRIVATE_METADATA_CHARS_MAX,
    }
    return [
        f"view.{name} over {most} characters"
        for name, most in limits.items()
        if len(as_text(view.get(name))) > most
    ]


def check_errors(view: View, errors: Any) -> None:
    """Check the errors an app answers a submission with ("Modals": keyed by the block's id).

    Raises:
        RefusedError: `invalid_errors`: none, or about something that is no input of the view.
    """
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    told = as_object(errors)
    are_texts = all(isinstance(text, str) and text for text in told.values())
    if not told or not told.keys() <= inputs or not are_texts:
        raise RefusedError("invalid_errors")


class Views:
    """Every open modal and every Home tab."""

    def __init__(self) -> None:
        self._views: dict[str, View] = {}
        self._serial = itertools.count(1)

    def __getitem__(self, view_id: str) -> View:
        """Return a view.

        Raises:
            KeyError: There is none, or it was closed.
        """
        return self._views[view_id]

    def __contains__(self, view_id: str) -> bool:
        """Tell whether a view is open."""
        return view_id in self._views

    def modal(self, user: str) -> View | None:
        """Return the modal on top of a person's screen."""
        return next((v for v in reversed(self._views.values()) if self._is_modal(v, user)), None)

    def home(self, user: str) -> View | None:
        """Return what a person's Home tab shows."""
        return next((v for v in self._views.values() if v.user == user and v.is_home), None)

    def open(self, user: str, payload: Json) -> View:
        """Show a modal in place of any other."""
        self.clear(user)
        return self._show(user, payload)

    def push(self, below: View, payload: Json) -> View:
        """Show a modal on top of another.

        Raises:
            RefusedError: `push_limit_reached`.
        """
        if sum(self._is_modal(view, below.user) for view in self._views.values()) >= _STACK_MAX:
            raise RefusedError("push_limit_reached")
        return self._show(below.user, payload, below=below)

    def update(self, view: View, payload: Json, *, entered: Json | None = None) -> View:
        """Change what a view shows.

        Args:
            view: The view.
            payload: What it shows from now on.
            entered: What stands in its inputs; those whose block keeps its id keep that, whatever
                they should show at first. Slack's client may, and then it would be seen here.
        """
        named = self._named(payload)
        return self._put(replace(view, payload=named, hash=self._hash(), kept=entered or {}))

    def publish(self, user: str, payload: Json, *, expected_hash: str = "") -> View:
        """Set somebody's Home tab.

        Raises:
            RefusedError: `hash_conflict`.
        """
        home = self.home(user)
        if home is None:
            return self._show(user, payload)
        require_hash(home, expected_hash)
        return self.update(home, payload)

    def find(self, *, view_id: str, external_id: str) -> View:
        """Return a view by either id.

        Raises:
            RefusedError: `not_found`.
        """
        for view in self._views.values():
            if view.view_id == view_id or (external_id and view.external_id == external_id):
                return view
        raise RefusedError("not_found")

    def close(self, view: View) -> None:
        """Take a modal off the screen; the one below shows again."""
        self._views.pop(view.view_id, None)

    def clear(self, user: str) -> None:
        """Take every modal off a person's screen."""
        for view in [v for v in self._views.values() if self._is_modal(v, user)]:
            self.close(view)

    @staticmethod
    def _is_modal(view: View, user: str) -> bool:
        return view.user == user and not view.is_home

    def _show(self, user: str, payload: Json, *, below: View | None = None) -> View:
        view_id = f"V{next(self._serial):08d}"
        root_id, previous_id = (below.root_id, below.view_id) if below else (view_id, "")
        named = self._named(payload)
        return self._put(View(view_id, user, named, self._hash(), root_id, previous_id))

    def _put(self, view: View) -> View:
        self._views[view.view_id] = view
        return view

    def _hash(self) -> str:
        return f"{next(self._serial)}.view"

    def _named(self, payload: Json) -> Json:
        blocks = [
            block if block.get("block_id") else {**block, "block_id": f"v{next(self._serial)}"}
            for block in payload["blocks"]
        ]
        return {**payload, "blocks": blocks}


def require_hash(view: View, expected: str) -> None:
    """Refuse an update made for an older state.

    Raises:
        RefusedError: `hash_conflict`.
    """
    if expected and expected != view.hash:
        raise RefusedError("hash_conflict")


def view_json(view: View, *, app_id: str, team_id: str, state: Json | None = None) -> Json:
    """Return a view as `views.open` and interaction payloads show it.

    Args:
        view: The view.
        app_id: The app it belongs to.
        team_id: The workspace.
        state: What a person filled in: block_id -> action_id -> value object.
    """
    empty: Json = {"private_metadata": "", "callback_id": "", "external_id": "", "submit": None}
    return {
        **empty,
        **view.payload,
        "id": view.view_id,
        "team_id": team_id,
        "app_id": app_id,
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id or None,
        "state": {"values": state or {}},
    }
