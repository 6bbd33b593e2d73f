import pytest

from config.errors import ConfigurationError
from config.settings import Settings
from scp.group.roles import choose_roles, read_roles


@pytest.mark.parametrize(
    ("words", "roles"),
    [("receive", ("receive",)), (" deliver, Score,,", ("score", "deliver")), ("web,web", ("web",))],
)
def test_roles_are_read_in_any_order(words, roles):
    assert read_roles(words) == roles


@pytest.mark.parametrize("words", ["", " , ", "receive,print"])
def test_what_is_no_role_is_told(words):
    with pytest.raises(ConfigurationError, match="allowed: receive, score, deliver, web"):
        read_roles(words)


def test_the_command_line_goes_before_the_file():
    settings = Settings.model_validate({"group": {"roles": ["web"]}})
    assert choose_roles(settings, None).group.roles == ("web",)
    assert choose_roles(settings, "score").group.roles == ("score",)
