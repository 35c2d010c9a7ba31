"""The app that knows this project: it quotes the documentation, and says so when it cannot."""

import re
from collections.abc import Sequence

from bot.core.recap import question_in
from bot.playground.dashscope import keywords
from bot.playground.dashscope.answers import Inquiry, Reference, Round, Said
from bot.playground.dashscope.library import LEAST_COVERAGE, Hit, Library
from bot.playground.dashscope.quotes import quote
from bot.playground.dashscope.topics import Topic, find_topic
from bot.playground.dashscope.words import count_words, has_chinese

SOURCES_PER_ANSWER = 2
LEAST_SHARE = 0.5  # a second source must score half of the first
LEAST_NEWS = 0.25  # and know that share of the question the first does not speak of
LOOSE_COVERAGE = 0.2  # who asks for more takes what is only related
RECALLED_ROUNDS = 5
RECALLED_FACTS = 10

_HELLO = re.compile(
    r"^\W*(hi|hello|hey|good (morning|afternoon|evening)|你好|您好|嗨)\b.{0,20}$", re.IGNORECASE
)
_THANKS = re.compile(r"^\W*(thanks?|thank you|thx|cheers|谢谢|多谢).{0,40}$", re.IGNORECASE)
_WHO = re.compile(
    r"who are you|what are you\b|what is (this|it)\b\W*$|what (can|does|do) (you|it) do\b"
    r"|你是谁|你能做什么|你会什么",
    re.IGNORECASE,
)
_RECALL = re.compile(
    r"what (did|have) i (just )?(ask|said|say)|what was my (last|previous|first) question"
    r"|my (last|previous) question|我(刚才|刚刚|之前|上次)?问了?(你)?(什么|啥)",
    re.IGNORECASE,
)
_ABOUT_ME = re.compile(
    r"what('s| is) my name|who am i\b|what do you (know|remember) (about|of) me"
    r"|我(叫|的名字是?)什么|我是谁|你(还)?记得我",
    re.IGNORECASE,
)


class Guide:
    """Answers from a library; an instance can be an app's `answers`.

    Args:
        library: What it may quote.
    """

    def __init__(self, library: Library) -> None:
        self._library = library

    def __call__(self, inquiry: Inquiry) -> Said:
        """Answer one question, with the session in mind; a recap is nothing to be answered."""
        prompt = question_in(inquiry.prompt)
        history = [Round(question_in(one.question), one.answer) for one in inquiry.history]
        if _RECALL.search(prompt):
            return Said(_recall(prompt, history))
        if _ABOUT_ME.search(prompt):
            return Said(_about(prompt, inquiry.facts))
        told = [one for one in history if keywords.read(one.question) is None]
        return _small_talk(prompt) or self._look_up(prompt, told)

    def _look_up(self, prompt: str, history: Sequence[Round]) -> Said:
        topic = find_topic(prompt, history=history)
        hits = self._find(topic)
        if not hits and topic.resumed and not topic.depth:
            topic = find_topic(prompt, history=())
            hits = self._find(topic)
        if not hits:
            return Said(_nothing(prompt, topic), thought=_thought(topic, hits))
        return Said(
            _compose(hits),
            thought=_thought(topic, hits),
            references=tuple(_reference(hit) for hit in hits),
        )

    def _find(self, topic: Topic) -> list[Hit]:
        """Return the next hits: "tell me more" skips those already told."""
        first = topic.depth * SOURCES_PER_ANSWER
        coverage = LOOSE_COVERAGE if topic.depth else LEAST_COVERAGE
        limit = first + SOURCES_PER_ANSWER
        hits = self._library.search(topic.words, limit=limit, coverage=coverage)[first:]
        return [
            hit
            for hit in hits
            if hit is hits[0]
            or (hit.score >= LEAST_SHARE * hits[0].score and hit.adds_to(hits[0]) >= LEAST_NEWS)
        ]


def _compose(hits: Sequence[Hit]) -> str:
    """Quote the best section right away, and a further one under its title."""
    quotes = [
        quote(hit.section, words=hit.words, number=number, titled=number > 1)
        for number, hit in enumerate(hits, 1)
    ]
    return "\n\n".join(quotes)


def _reference(hit: Hit) -> Reference:
    section = hit.section
    return Reference(doc_name=section.doc_name, title=section.title, text=section.text)


def _thought(topic: Topic, hits: Sequence[Hit]) -> str:
    places = ", ".join(f"“{hit.section.title}” in {hit.section.doc_name}" for hit in hits)
    asked = f"The question is about “{topic.question}”. "
    return asked + (f"I find {places}." if places else "The documentation does not cover it.")


def _nothing(prompt: str, topic: Topic) -> str:
    if topic.depth:
        chinese = f"关于“{topic.question}”，文档里没有更多内容了。"
        english = f"That is all the documentation says about “{topic.question}”."
    else:
        chinese = (
            "项目文档里没有找到相关内容，我不想乱猜。文档主要是英文，换成英文关键词也许能找到。"
        )
        english = (
            "I find nothing about that in this project's documentation, and I would rather not "
            "guess. Other words may help; `!help` lists what else you can try."
        )
    return chinese if has_chinese(prompt) else english


def _small_talk(prompt: str) -> Said | None:
    chinese = has_chinese(prompt)
    if _HELLO.match(prompt):
        english = "Hello! Ask me about this bot: how to set it up, run it, or look after it."
        return Said("你好！关于这个机器人的安装、运行和维护，都可以问我。" if chinese else english)
    if _THANKS.match(prompt) and not count_words(_THANKS.sub("", prompt)):
        return Said("不客气！" if chinese else "You're welcome!")
    if _WHO.search(prompt):
        english = (
            "I am the playground's assistant. I answer from this project's documentation, "
            "remember what we talked about, and misbehave on request: try `!help`."
        )
        zh = (
            "我是演示环境的助手：根据项目文档回答问题，记得我们聊过什么。"
            "输入 `!help` 可以查看更多玩法。"
        )
        return Said(zh if chinese else english)
    return None


def _about(prompt: str, facts: Sequence[str]) -> str:
    chinese = has_chinese(prompt)
    if not facts:
        return "我还没有记住关于你的事情。" if chinese else "I remember nothing about you yet."
    intro = "你告诉过我：" if chinese else "You told me:"
    return "\n".join([intro, "", *(f"- {fact}" for fact in facts[-RECALLED_FACTS:])])


def _recall(prompt: str, history: Sequence[Round]) -> str:
    chinese = has_chinese(prompt)
    asked = [one.question for one in history][-RECALLED_ROUNDS:]
    if not asked:
        return "这次对话里你还没有问过别的。" if chinese else "Nothing else yet, in this session."
    if len(asked) == 1:
        return f"你问过：“{asked[0]}”" if chinese else f"You asked: “{asked[0]}”"
    intro = "你问过：" if chinese else "You asked, oldest first:"
    return "\n".join([intro, "", *(f"{n}. {question}" for n, question in enumerate(asked, 1))])
