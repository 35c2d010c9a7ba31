"""A Slack workspace on loopback: Web API, events, Socket Mode, and the people who use it."""

from bot.playground.slack.delivery import DeliveryRules
from bot.playground.slack.directory import App, Channel, ChannelKind, File, User
from bot.playground.slack.faults import Fault, FaultKind
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import visible_text
from bot.playground.slack.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, SlackServer
from bot.playground.slack.sockets import DisconnectReason
from bot.playground.slack.workspace import Workspace

__all__ = [
    "APP_TOKEN",
    "BOT_TOKEN",
    "SIGNING_SECRET",
    "App",
    "Channel",
    "ChannelKind",
    "DeliveryRules",
    "DisconnectReason",
    "Fault",
    "FaultKind",
    "File",
    "Limits",
    "SlackServer",
    "User",
    "Workspace",
    "visible_text",
]
