"""What can be typed at the playground's prompt."""

from bot.stage import SECOND_APP_ID, Stage


def hint(scene: Stage) -> str:
    """Return what can be typed, in rich's markup; no line is wider than 80 columns."""
    second = _SECOND_APP.format(app_id=SECOND_APP_ID, base_url=scene.apps_at)
    return _HINT + (_MEMORY + second if scene.apps_at else "")


_HINT = """\
You are Ann, who owns the workspace. Ask about this bot, in English or Chinese,
or try:

  [b]!help[/]            what else the app can do: break off, refuse, talk at length
  [b]/dashscope help[/]  set the bot up, as its admins do in Slack
  [b]press N[/]          press the button N; Stop too, while an answer grows
  [b]/new[/]             start a new thread in the channel
  [b]/dm[/]              write direct messages
  [b]/say TEXT[/]        write without mentioning the bot
  [b]/edit TEXT[/]       change what you wrote last
  [b]/delete[/]          delete what you wrote last
  [b]/attach FILE …[/]   attach files of this computer to your next question
  [b]/home[/]            open the bot's Home tab
  [b]/as NAME[/]         be Ben, a member, or Li, an admin who reads Chinese
  [b]/help[/]            read this again
  Ctrl-D           leave

A line that ends with a backslash goes on in the next one.
"""
_MEMORY = """
The app remembers people: [b]Hello, my name is Ann[/], then [b]/new[/] and [b]What is my name?[/]
"""
_SECOND_APP = """
A second app, a workflow that writes letters, waits to be added:

  [b]/dashscope apps add letters app_id={app_id} kind=workflow \\\\[/]
    [b]base_url={base_url}[/]
  [b]/dashscope app letters[/]
  [b]/dashscope params customer=Li sender=Ann[/]
"""
