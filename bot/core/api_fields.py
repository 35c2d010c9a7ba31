"""The request fields a setting may carry: where each belongs, what it may be, who knows it.

Places, limits and kinds are those of Model Studio's "Application API reference" (request
parameters), its calling guides for agents and for workflows, and the option lists of the official
SDKs. DashScope itself ignores much of what is misplaced, so it is refused here.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from bot.core import field_checks as must_be
from bot.core.field_checks import Check
from bot.core.json_value import Json, trouble_with
from bot.core.language import Phrase
from bot.core.question import AppKind

MESSAGE_FORMAT, MESSAGE_FORMAT_PLUS = "message_format", "message_format_plus"
FULL_THOUGHTS = "full_thoughts"
FLOW_STREAM_MODES = (MESSAGE_FORMAT, MESSAGE_FORMAT_PLUS, "agent_format", FULL_THOUGHTS)

MAX_SESSION_FILES = 10
"""Of one question ("session files" in the agents' calling guide)."""
_MAX_KNOWLEDGE_IDS = 5  # "rag_options" in the request parameters: pipeline_ids and file_ids, each
_MAX_PLUGINS = 10  # "user_defined_tokens" in the request parameters
_MAX_ASKED = 10  # our own bound for the inputs of a form that is still filled in
_MAX_NAME_CHARS = 64  # our own bound for the name of a field nobody here has heard of

_AGENT = frozenset({AppKind.AGENT})
_FLOWS = frozenset({AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW, AppKind.ORCHESTRATION})
_ALL = _AGENT | _FLOWS

KIND_NAMES: Mapping[AppKind, Phrase] = {
    AppKind.AGENT: Phrase("agent", "智能体应用"),
    AppKind.WORKFLOW: Phrase("workflow", "任务型工作流"),
    AppKind.DIALOG_WORKFLOW: Phrase("dialog workflow", "对话型工作流"),
    AppKind.ORCHESTRATION: Phrase("agent orchestration", "智能体编排应用"),
}


class Spot(Enum):
    """Where in the body of a request a field stands."""

    INPUT = "input"
    PARAMETERS = "parameters"
    RAG_OPTIONS = "parameters.rag_options"
    BIZ_PARAMS = "input.biz_params"
    NOWHERE = "not sent: what the bot must know about an app"


@dataclass(frozen=True, slots=True)
class ApiField:
    """One field of a request.

    Attributes:
        name: As the API spells it.
        spot: Where it stands.
        kinds: The kinds of app that know it.
        check: Says what is wrong with a value whatever the kind; None when nothing is.
    """

    name: str
    spot: Spot
    kinds: frozenset[AppKind]
    check: Check


_IN_THE_ORDER_SENT = (
    ApiField("biz_params", Spot.INPUT, _ALL, must_be.variables),
    ApiField("user_prompt_params", Spot.BIZ_PARAMS, _AGENT, must_be.filled_object),
    ApiField("user_defined_params", Spot.BIZ_PARAMS, _AGENT, must_be.plugins),
    ApiField("image_list", Spot.INPUT, _AGENT, must_be.list_of(must_be.image)),
    ApiField("file_list", Spot.INPUT, _AGENT, must_be.list_of(must_be.address)),
    ApiField("doc_reference_type", Spot.INPUT, _AGENT, must_be.one_of("simple", "indexed")),
    ApiField("doc_tag_codes", Spot.INPUT, _AGENT, must_be.list_of(must_be.word)),
    ApiField("flow_stream_mode", Spot.PARAMETERS, _FLOWS, must_be.one_of(*FLOW_STREAM_MODES)),
    ApiField("enable_thinking", Spot.PARAMETERS, _AGENT, must_be.flag),
    ApiField("has_thoughts", Spot.PARAMETERS, _ALL, must_be.flag),
    ApiField("model_id", Spot.PARAMETERS, _AGENT, must_be.word),
    ApiField("enable_web_search", Spot.PARAMETERS, _AGENT, must_be.flag),
    ApiField("enable_system_time", Spot.PARAMETERS, _AGENT, must_be.flag),
    ApiField("enable_premium", Spot.PARAMETERS, _AGENT, must_be.flag),
    ApiField("dialog_round", Spot.PARAMETERS, _AGENT, must_be.count),
    ApiField("mcp_servers", Spot.PARAMETERS, _AGENT, must_be.list_of(must_be.word)),
    ApiField("cip_service_codes", Spot.PARAMETERS, _AGENT, must_be.filled_object),
    ApiField("temperature", Spot.PARAMETERS, _AGENT, must_be.temperature),
    ApiField("top_p", Spot.PARAMETERS, _AGENT, must_be.share),
    ApiField("top_k", Spot.PARAMETERS, _AGENT, must_be.count),
    ApiField("seed", Spot.PARAMETERS, _AGENT, must_be.count),
    ApiField(
        "pipeline_ids",
        Spot.RAG_OPTIONS,
        _AGENT,
        must_be.list_of(must_be.identifier, most=_MAX_KNOWLEDGE_IDS),
    ),
    ApiField(
        "file_ids",
        Spot.RAG_OPTIONS,
        _AGENT,
        must_be.list_of(must_be.identifier, most=_MAX_KNOWLEDGE_IDS),
    ),
    ApiField("metadata_filter", Spot.RAG_OPTIONS, _AGENT, must_be.metadata_filter),
    ApiField("tags", Spot.RAG_OPTIONS, _AGENT, must_be.list_of(must_be.word)),
    ApiField("structured_filter", Spot.RAG_OPTIONS, _AGENT, must_be.structured_filter),
    ApiField(
        "session_file_ids",
        Spot.RAG_OPTIONS,
        _AGENT,
        must_be.list_of(must_be.session_file, most=MAX_SESSION_FILES),
    ),
    # Which variables whoever asks gives themselves.
    ApiField("ask", Spot.NOWHERE, _FLOWS, must_be.list_of(must_be.variable, most=_MAX_ASKED)),
    # Which plugins get a token of whoever asks.
    ApiField(
        "plugins", Spot.NOWHERE, _AGENT, must_be.list_of(must_be.identifier, most=_MAX_PLUGINS)
    ),
)

API_FIELDS: Mapping[str, ApiField] = {field.name: field for field in _IN_THE_ORDER_SENT}

AGENT_VARIABLES = tuple(field.name for field in _IN_THE_ORDER_SENT if field.spot is Spot.BIZ_PARAMS)
"""What an agent takes inside `biz_params`; each can also be set by itself."""

_NEED_A_KNOWLEDGE_BASE = ("file_ids", "metadata_filter", "tags")

_BY_THE_BOT = Phrase("The bot fills this in itself.", "此字段由机器人自行填写。")
_NAME_THE_PARTS = Phrase(
    "Name the fields inside it, each by itself.", "请直接写其中的各个字段，不要写外层。"
)
_AS_MESSAGES = Phrase(
    "Set `history messages` instead: the bot then sends the thread itself.",
    "请改用 `history messages` 设置：机器人会自行发送消息列的内容。",
)
_SECRET = Phrase(
    "A tool's token is a secret of each user and cannot be set for everybody.",
    "工具令牌是每个用户自己的机密，不能为所有人设置。",
)
RESERVED: Mapping[str, Phrase] = {
    **dict.fromkeys(
        (
            "prompt", "messages", "session_id", "memory_id", "incremental_output", "stream",
            "debug", "model",
        ),
        _BY_THE_BOT,
    ),
    **dict.fromkeys(("input", "parameters", "rag_options"), _NAME_THE_PARTS),
    "history": _AS_MESSAGES,
    "user_defined_tokens": _SECRET,
}  # fmt: skip
"""Names no setting may carry, and why."""

_NO_NULL = Phrase("Leave it out instead of giving null.", "不要写 null，不需要时请省略。")
_NO_NAME = Phrase(
    f"A field's name is 1 to {_MAX_NAME_CHARS} characters without spaces.",
    f"字段名为 1 到 {_MAX_NAME_CHARS} 个字符，不能有空格。",
)
_NEEDS_PIPELINES = Phrase(
    "This needs the knowledge bases it belongs to: set them as well (`kb`).",
    "需要同时指定所属的知识库（`kb`）。",
)
_NEEDS_THOUGHTS = Phrase(
    "`full_thoughts` needs the steps (`thoughts`), which are switched off.",
    "`full_thoughts` 需要开启步骤输出（`thoughts`），而它现在是关闭的。",
)
_AGENT_VARIABLES = Phrase(
    "An agent takes only `user_prompt_params` and `user_defined_params` in here, such as "
    '`{{"user_prompt_params": {{"city": "Paris"}}}}`.',
    "智能体应用在此只接受 `user_prompt_params` 和 `user_defined_params`，例如 "
    '`{{"user_prompt_params": {{"city": "Paris"}}}}`。',
)
_FLOW_VARIABLES = Phrase(
    "`user_prompt_params` and `user_defined_params` are for agents only: give the variables of "
    "the start node by their own names.",
    "`user_prompt_params` 和 `user_defined_params` 仅适用于智能体应用：请直接写开始节点的变量名。",
)


def misfit_of(name: str, value: Json) -> Phrase | None:
    """Return why no app may be sent this value, whatever its kind; None when some may.

    A name nobody here has heard of is fine with any value that can be sent: the API grows.
    """
    if misfit := misfit_of_name(name):
        return misfit
    if value is None:
        return _NO_NULL
    if trouble := trouble_with(value):
        return trouble
    return API_FIELDS[name].check(value) if name in API_FIELDS else None


def misfit_of_name(name: str) -> Phrase | None:
    """Return why no setting may carry a field of this name, whatever its value."""
    if name in RESERVED:
        return RESERVED[name]
    return None if name in API_FIELDS or _is_name(name) else _NO_NAME


def problem_of(name: str, value: Json, *, kind: AppKind) -> Phrase | None:
    """Return why an app of this kind must not be sent this value; None when it may."""
    if misfit := misfit_of(name, value):
        return misfit
    field = API_FIELDS.get(name)
    if field and kind not in field.kinds:
        return _not_for(field.kinds, kind=kind)
    return _problem_of_variables(name, value, kind=kind)


def problems(options: Mapping[str, Json], *, kind: AppKind) -> Mapping[str, Phrase]:
    """Return what is wrong, by the name it is wrong with, fields that need each other included.

    What passes here, and what is left of anything else without the names found here, may be sent;
    leaving out one field can make another one wrong that needed it.
    """
    found = ((name, problem_of(name, value, kind=kind)) for name, value in options.items())
    alone = {name: problem for name, problem in found if problem}
    return {**dict(_together(options)), **alone}


def is_sent(name: str) -> bool:
    """Whether an option stands in requests; the others only tell the bot how to ask."""
    return name not in API_FIELDS or API_FIELDS[name].spot is not Spot.NOWHERE


def unheard_of(options: Iterable[str]) -> Mapping[str, str]:
    """Return the names nobody here has heard of, with the known one each looks like, or nothing."""
    return {
        name: next(iter(difflib.get_close_matches(name[:_MAX_NAME_CHARS], API_FIELDS, n=1)), "")
        for name in options
        if name not in API_FIELDS
    }


def placed(options: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return what the options add to `input` and to `parameters`, in the order fields are sent.

    Nothing is checked, and what is not sent is left out. A name nobody here has heard of goes to
    `parameters`, as the vendor's SDK does it.
    """
    spots: dict[Spot, dict[str, Json]] = {spot: {} for spot in Spot}
    for name in (*(name for name in API_FIELDS if name in options), *options):
        spot = API_FIELDS[name].spot if name in API_FIELDS else Spot.PARAMETERS
        spots[spot][name] = options[name]
    asked, parameters = spots[Spot.INPUT], spots[Spot.PARAMETERS]
    if spots[Spot.BIZ_PARAMS]:
        given = asked.get("biz_params")
        whole = dict(given) if isinstance(given, Mapping) else dict[str, Json]()
        asked["biz_params"] = whole | spots[Spot.BIZ_PARAMS]
    if spots[Spot.RAG_OPTIONS]:
        parameters["rag_options"] = spots[Spot.RAG_OPTIONS]
    return asked, parameters


def _together(options: Mapping[str, Json]) -> Iterator[tuple[str, Phrase]]:
    """Yield the problems of fields that need another one."""
    if "pipeline_ids" not in options:
        yield from ((name, _NEEDS_PIPELINES) for name in _NEED_A_KNOWLEDGE_BASE if name in options)
    if options.get("flow_stream_mode") == FULL_THOUGHTS and options.get("has_thoughts") is False:
        yield "flow_stream_mode", _NEEDS_THOUGHTS


def _problem_of_variables(name: str, value: Json, *, kind: AppKind) -> Phrase | None:
    """Return what is wrong with biz_params for this kind; its shape is right already."""
    if name != "biz_params" or not isinstance(value, Mapping):
        return None
    if kind is not AppKind.AGENT:
        return _FLOW_VARIABLES if any(key in value for key in AGENT_VARIABLES) else None
    if any(key not in AGENT_VARIABLES for key in value):
        return _AGENT_VARIABLES
    found = (API_FIELDS[key].check(part) for key, part in value.items())
    return next((problem for problem in found if problem), None)


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _MAX_NAME_CHARS and name.isprintable() and " " not in name


def _not_for(kinds: frozenset[AppKind], *, kind: AppKind) -> Phrase:
    fitting = [phrase for each, phrase in KIND_NAMES.items() if each in kinds]
    here = KIND_NAMES[kind]
    return Phrase(
        f"Only for {', '.join(phrase.en for phrase in fitting)}; the app here is: {here.en}.",
        f"仅适用于{'、'.join(phrase.zh for phrase in fitting)}；此处的应用是{here.zh}。",
    )
