"""Which apps see what is kept in a workspace of Model Studio."""

import pytest

from bot.core.question import AppKind, AppProfile
from bot.core.studio_workspace import Apart, StudioWorkspace, apart

BEIJING = "https://bailian.cn-beijing.aliyuncs.com"
SINGAPORE = "https://bailian.ap-southeast-1.aliyuncs.com"
HERE = "http://127.0.0.1:8001"


def between(base_url: str, *, workspace: str = "", endpoint: str = BEIJING) -> Apart | None:
    app = AppProfile("a", "APP", AppKind.AGENT, base_url, api_key="sk", workspace=workspace)
    return apart(app, workspace=StudioWorkspace(endpoint, "llm-1"))


@pytest.mark.parametrize(
    ("base_url", "endpoint"),
    [
        ("https://dashscope.aliyuncs.com/api/v1", BEIJING),
        ("https://llm-1.cn-beijing.maas.aliyuncs.com/api/v1", BEIJING),
        ("https://ep-x1.dashscope.cn-beijing.privatelink.aliyuncs.com/api/v1", BEIJING),
        ("https://dashscope.aliyuncs.com/api/v1", "https://bailian-vpc.cn-beijing.aliyuncs.com"),
        ("https://dashscope-intl.aliyuncs.com/api/v1", SINGAPORE),
        ("https://llm-1.ap-southeast-1.maas.aliyuncs.com/api/v1", SINGAPORE),
        ("http://127.0.0.1:8000/api/v1", HERE),
        ("http://localhost:8000/api/v1", "http://[::1]:8001"),
    ],
)
def test_an_app_sees_what_is_kept_in_its_own_region(base_url: str, endpoint: str) -> None:
    assert between(base_url, endpoint=endpoint) is None


@pytest.mark.parametrize(
    ("base_url", "endpoint"),
    [
        ("https://dashscope-intl.aliyuncs.com/api/v1", BEIJING),
        ("https://dashscope.aliyuncs.com/api/v1", SINGAPORE),
        ("https://cn-hongkong.dashscope.aliyuncs.com/api/v1", BEIJING),
        ("https://llm-1.us-east-1.maas.aliyuncs.com/api/v1", BEIJING),
        ("https://dashscope.aliyuncs.com.evil.example/api/v1", BEIJING),
        ("https://proxy.example/api/v1", "https://proxy.example"),
        ("http://127.0.0.1:8000/api/v1", BEIJING),
        ("https://[bad/api/v1", BEIJING),
    ],
)
def test_no_other_app_does(base_url: str, endpoint: str) -> None:
    assert between(base_url, endpoint=endpoint) == "region"


@pytest.mark.parametrize(
    ("base_url", "workspace", "expected"),
    [
        ("https://dashscope.aliyuncs.com/api/v1", "llm-1", None),
        ("https://dashscope.aliyuncs.com/api/v1", "llm-2", "workspace"),
        ("https://dashscope.aliyuncs.com/api/v1", "", None),
        ("https://llm-1.cn-beijing.maas.aliyuncs.com/api/v1", "", None),
        ("https://llm-2.cn-beijing.maas.aliyuncs.com/api/v1", "", "workspace"),
    ],
)
def test_an_app_sees_what_is_kept_in_its_own_workspace_and_in_no_other(
    base_url: str, workspace: str, expected: Apart | None
) -> None:
    assert between(base_url, workspace=workspace) == expected
