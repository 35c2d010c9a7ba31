"""How the OpenAPI says no.

Codes and statuses are those of Alibaba Cloud's page "Common errors". Which code a memory that does
not exist gets is not documented; the one here is invented.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error instead of an answer.

    Attributes:
        status: The HTTP status.
        code: The OpenAPI's code.
        message: Its text.
    """

    status: int
    code: str
    message: str


NO_SUCH_API = Refusal(
    404, "InvalidApi.NotFound", "Specified api is not found, please check your url and method."
)
NO_SUCH_VERSION = Refusal(400, "InvalidVersion", "Specified parameter Version is not valid.")
WRONG_ACTION = Refusal(400, "InvalidAction", "Specified action is not the one of this path.")
INCOMPLETE = Refusal(400, "IncompleteSignature", "The request signature does not conform.")
NO_SUCH_KEY = Refusal(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
WRONG_DATE = Refusal(
    400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."
)
STALE = Refusal(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
MISMATCH = Refusal(
    400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation."
)
REPLAYED = Refusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
THROTTLED = Refusal(429, "Throttling.User", "Request was denied due to user flow control.")
NO_SUCH_WORKSPACE = Refusal(
    403, "Forbidden.Workspace", "The user is no member of the workspace, or it does not exist."
)
NO_SUCH_MEMORY = Refusal(404, "Memory.NotFound", "The memory does not exist.")
NO_SUCH_NODE = Refusal(404, "MemoryNode.NotFound", "The memory node does not exist.")
NO_SUCH_FILE = Refusal(404, "File.NotFound", "The file does not exist.")


def invalid(name: str, why: str) -> Refusal:
    """Return the refusal of a parameter's value."""
    return Refusal(400, "InvalidParameter", f"{name} {why}")


def missing(name: str) -> Refusal:
    """Return the refusal of a call without a parameter it needs."""
    return Refusal(400, f"Missing{name[:1].upper()}{name[1:]}", f"{name} is mandatory.")
