"""What became of a message's files, and how it gets into a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self, assert_never

from bot.core.attachments import IMAGE_VARIABLE, Way
from bot.core.file_refusals import Refusal
from bot.core.json_value import Json
from bot.core.question import AppKind, Question


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an app is given of a message's files, each in the order of the message.

    Attributes:
        images: Addresses; whoever holds one can read the image for a while.
        documents: Addresses, likewise.
        session_files: Ids in Model Studio.
        texts: Text files, quoted, for the prompt.
        refusals: Why the others are not passed on.
    """

    images: tuple[str, ...] = field(default=(), repr=False)
    documents: tuple[str, ...] = field(default=(), repr=False)
    session_files: tuple[str, ...] = ()
    texts: tuple[str, ...] = field(default=(), repr=False)
    refusals: tuple[Refusal, ...] = ()

    @classmethod
    def of(cls, outcomes: Sequence[tuple[Way, str] | Refusal]) -> Self:
        """Sort what became of the files."""
        by_way: dict[Way, list[str]] = {way: [] for way in Way}
        refusals: list[Refusal] = []
        for outcome in outcomes:
            if isinstance(outcome, Refusal):
                refusals.append(outcome)
            else:
                by_way[outcome[0]].append(outcome[1])
        return cls(
            images=tuple(by_way[Way.IMAGE_LINK]),
            documents=tuple(by_way[Way.DOCUMENT_LINK]),
            session_files=tuple(by_way[Way.SESSION_FILE]),
            texts=tuple(by_way[Way.TEXT]),
            refusals=tuple(refusals),
        )

    @property
    def is_empty(self) -> bool:
        """Whether the app gets nothing of them."""
        return not (self.images or self.documents or self.session_files or self.texts)

    def added_to(self, question: Question) -> Question:
        """Return the question with the files in it."""
        messages = question.messages
        if messages:
            *before, (role, content) = messages
            messages = (*before, (role, self.prompt(content)))
        return replace(
            question,
            prompt=self.prompt(question.prompt),
            options=self.options(question.options, kind=question.app.kind),
            messages=messages,
        )

    def prompt(self, words: str) -> str:
        """Return the question with the texts under it."""
        return "\n\n".join(part for part in (words, *self.texts) if part)

    def options(self, options: Mapping[str, Json], *, kind: AppKind) -> Mapping[str, Json]:
        """Return the options of a question with the files added to what they name already."""
        match kind:
            case AppKind.AGENT:
                lists = {
                    "image_list": self.images,
                    "file_list": self.documents,
                    "session_file_ids": self.session_files,
                }
                return {**options, **_longer(options, lists)}
            case AppKind.WORKFLOW | AppKind.DIALOG_WORKFLOW | AppKind.ORCHESTRATION:
                given = options.get("biz_params")
                variables = given if isinstance(given, Mapping) else dict[str, Json]()
                added = _longer(variables, {IMAGE_VARIABLE: self.images})
                return {**options, "biz_params": {**variables, **added}} if added else options
            case _:
                assert_never(kind)


def _longer(given: Mapping[str, Json], added: Mapping[str, Sequence[str]]) -> Mapping[str, Json]:
    """Return the lists of `added` that hold something, each after what `given` has there."""
    return {name: [*_texts(given.get(name)), *more] for name, more in added.items() if more}


def _texts(value: Json) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return []
    return [each for each in value if isinstance(each, str)]
