"""How fast an app of the playground talks."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """The speed of an answer.

    Attributes:
        chars_per_s: Characters generated in a second, thoughts and hidden nodes included.
        first_token_s: Seconds before the first event.
        piece_chars: Characters one event adds; at least 1.
    """

    chars_per_s: float = math.inf
    first_token_s: float = 0.0
    piece_chars: int = 12

    def due_s(self, chars: int) -> float:
        """Return the seconds since the request at which `chars` characters exist."""
        return self.first_token_s + chars / self.chars_per_s
