"""Errors carry data; their text is built from it and holds no words of a vendor or a reader."""

from bot.errors import (
    DashScopeError,
    SettingsError,
    SlackRefused,
    SlackThrottled,
    Throttled,
    UnknownApp,
)


def test_settings_errors_keep_every_problem() -> None:
    error = SettingsError(["PORT is wrong", "HOST is wrong"])
    assert error.problems == ("PORT is wrong", "HOST is wrong")
    assert str(error) == "PORT is wrong; HOST is wrong"


def test_the_text_of_an_app_error_is_its_code_and_status_without_the_vendors_words() -> None:
    error = Throttled("secret words", code="Throttling", status=429, retry_after_s=2.0)
    assert str(error) == "Throttled code=Throttling status=429"
    assert (error.detail, error.retry_after_s) == ("secret words", 2.0)


def test_what_is_not_known_is_a_dash() -> None:
    assert str(DashScopeError()) == "DashScopeError code=- status=-"
    assert str(SlackRefused(method="chat.update")) == "chat.update code=- status=-"


def test_a_throttled_method_says_how_long_it_rests() -> None:
    error = SlackThrottled(method="chat.update", code="ratelimited", status=429, retry_after_s=3)
    assert (error.method, error.retry_after_s) == ("chat.update", 3)
    assert str(error) == "chat.update code=ratelimited status=429"


def test_an_unknown_app_is_named_in_data_and_not_in_the_log() -> None:
    error = UnknownApp("letters")
    assert error.name == "letters"
    assert "letters" not in str(error)
