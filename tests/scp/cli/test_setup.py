"""What `coronode setup` prints is what systemd, shells and man take."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def unit(coronode, tmp_path):
    """The unit for a configuration, as lines."""

    def print_unit(toml: str = "", *arguments: str) -> list[str]:
        config = tmp_path / "coronode.toml"
        config.write_text(toml)
        ended = coronode("setup", "unit", "--config", str(config), *arguments)
        assert (ended.code, ended.err) == (0, "")
        return ended.out.splitlines()

    return print_unit


def test_the_unit_starts_this_installation_with_this_configuration(unit, tmp_path):
    lines = unit()
    start = next(line for line in lines if line.startswith("ExecStart="))
    executable, *arguments = start.removeprefix("ExecStart=").split()
    assert Path(executable).is_absolute()
    assert os.access(executable, os.X_OK)
    assert arguments == ["serve", "--config", str(tmp_path / "coronode.toml")]
    assert {"Type=notify", "UMask=0077", "RestartPreventExitStatus=2", "User=coronode"} <= set(lines)


def test_another_user_has_a_state_folder_of_its_own(unit):
    assert {"User=scores", "StateDirectory=scores", "WorkingDirectory=/var/lib/scores"} <= set(
        unit("", "--user", "scores")
    )


@pytest.mark.parametrize(
    ("toml", "writable"),
    [
        ("", []),
        ('[node]\ndata_dir = "/var/lib/coronode/data"', []),
        ('[node]\ndata_dir = "/srv/ct"', ["/srv/ct"]),
        ('[storage]\nblobs_url = "file:///srv/objects"', ["/srv/objects"]),
        ('[storage]\ndatabase_url = "sqlite:////srv/index/db.sqlite"', ["/srv/index"]),
        ('[storage]\ndatabase_url = "postgresql+psycopg://db/coronode"', []),
    ],
)
def test_what_the_configuration_writes_to_is_writable(unit, toml, writable):
    found = [line.removeprefix("ReadWritePaths=") for line in unit(toml) if line.startswith("ReadWritePaths=")]
    assert found == writable


@pytest.mark.parametrize(
    ("toml", "needed"),
    [
        ("", False),
        ("[node]\nport = 104", True),
        ("[web]\nport = 443", True),
        ("[node]\nport = 0\n[web]\nport = 0", False),
    ],
)
def test_only_a_port_below_1024_brings_a_capability(unit, toml, needed):
    lines = unit(toml)
    assert ("AmbientCapabilities=CAP_NET_BIND_SERVICE" in lines) == needed
    assert ("CapabilityBoundingSet=" in lines) != needed
    assert ("PrivateUsers=true" in lines) != needed


def test_a_path_that_a_unit_cannot_name_is_refused(coronode, tmp_path):
    (tmp_path / "a folder").mkdir()
    config = tmp_path / "a folder" / "coronode.toml"
    config.write_text("")
    ended = coronode("setup", "unit", "--config", str(config))
    assert ended.code == 2
    assert "a folder" in ended.err


def test_a_unit_without_a_configuration_is_refused(coronode):
    ended = coronode("setup", "unit")
    assert ended.code == 2
    assert "--config" in ended.err


@pytest.mark.peer
@pytest.mark.parametrize("toml", ["", "[node]\nport = 104"])
def test_systemd_takes_the_unit_and_calls_it_safe(unit, toml, tmp_path, peer_program):
    analyze = peer_program("systemd-analyze")
    file = tmp_path / "coronode.service"
    file.write_text("\n".join(unit(toml)) + "\n")
    verified = subprocess.run([analyze, "verify", file], capture_output=True, text=True, check=False)
    assert [line for line in verified.stderr.splitlines() if "coronode.service" in line] == []
    rated = subprocess.run([analyze, "security", "--offline=true", file], capture_output=True, text=True, check=True)
    level = float(rated.stdout.rpartition("exposure level for coronode.service: ")[2].split()[0])
    assert level < 3.0


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("coronode se", {"serve", "send", "series", "setup"}),
        ("coronode series li", {"list"}),
        ("coronode serve --c", {"--config"}),
    ],
)
def test_bash_completes_commands_and_options(words, offered):
    told = os.environ | {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    told["_CORONODE_COMPLETE"] = "bash_complete"
    code = "import sys; sys.argv = ['coronode']; from scp.start import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=told, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert {line.partition(",")[2] for line in ended.stdout.splitlines()} >= offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_of_its_own(coronode, shell):
    ended = coronode("setup", "completion", shell)
    assert ended.code == 0
    assert f"_CORONODE_COMPLETE={shell}_complete" in ended.out


def test_another_shell_is_refused(coronode):
    assert coronode("setup", "completion", "csh").code == 2


def test_the_manual_names_every_command(coronode):
    from scp.cli import cli  # noqa: PLC0415

    page = coronode("setup", "man").out
    for name in cli.list_commands(None):  # type: ignore[arg-type]
        assert f'.SS "coronode {name.replace("-", chr(92) + "-")}' in page, name


@pytest.mark.peer
def test_the_manual_is_read_without_a_warning(coronode, tmp_path, peer_program):
    groff = peer_program("groff")
    file = tmp_path / "coronode.1"
    file.write_text(coronode("setup", "man").out)
    ended = subprocess.run([groff, "-man", "-Tutf8", "-ww", "-z", file], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
