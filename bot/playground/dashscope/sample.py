"""Invented Markdown of every sort, to see how long and structured answers look."""

MAX_LONG_CHARS = 1_000_000

TABLE = """\
| Region | Answers | First words | 备注 |
|:--|--:|--:|:--|
| Singapore | 1,204 | 0.8 s | default |
| Beijing | 8,310 | 0.6 s | 国内默认地域 |
| Frankfurt | 96 | 1.4 s | `workspace` gateway only |
"""

CODE = '''\
```python
def greet(name: str) -> str:
    """Say hello, *without* any Markdown inside a fence."""
    return f"Hello, {name}! <@U0000> & <tags> stay as they are."


print(greet("世界"))
```
'''

_LIST = """\
1. **First** things first, with `code` in the middle.
2. Then a nested list:
   - one item, _slanted_;
   - another with a [link](https://example.com/a_(b)?x=1&y=2).
3. 最后一步：确认所有会话都已结束。
"""

_PROSE = """\
An answer of this length never comes in one piece: it grows, it is edited, and it has to stay \
readable while it does. Nobody reads forty lines at once, so headings matter more than style.

流式输出会把一个回答拆成许多片段。客户端需要按顺序拼接，既不能丢字，也不能重复，更不能在一个汉字中间断开。
"""

_QUOTE = """\
> Quoted text carries **bold**, ~~crossed out~~ and 3 < 4 && 5 > 2 safely.
>
> It has a second paragraph, too. 👩‍💻
"""


def long_text(chars: int) -> str:
    """Return exactly `chars` characters of mixed Markdown, the same for the same number.

    Every part has a number of its own, so that a lost or doubled part is seen at once. The end may
    fall anywhere, in a fence or a table as well.
    """
    parts: list[str] = []
    length = 0
    while length < chars:
        number = len(parts)
        block = (_PROSE, _LIST, CODE, TABLE, _QUOTE)[number % 5]
        parts.append(f"### Part {number + 1}\n\n{block}\n")
        length += len(parts[-1])
    return "".join(parts)[:chars]
