"""Compose file and Kubernetes manifests: what they say to the node is valid, and they give it no right."""

from pathlib import Path

import pytest
import yaml

from config.load import load

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy/compose"
CLUSTER = ROOT / "deploy/kubernetes"
SECRETS = {"POSTGRES_PASSWORD": "words", "S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "words"}


def compose() -> dict:
    return yaml.safe_load((COMPOSE / "compose.yaml").read_text())


def documents() -> list[dict]:
    files = yaml.safe_load((CLUSTER / "kustomization.yaml").read_text())["resources"]
    return [document for file in files for document in yaml.safe_load_all((CLUSTER / file).read_text())]


def deployments() -> dict[str, dict]:
    return {item["metadata"]["name"]: item for item in documents() if item["kind"] == "Deployment"}


def read_env(path: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return {name: value or "words" for name, _, value in pairs}


def settings_of(monkeypatch, file: Path, variables: dict[str, str]):
    """The settings that a container loads."""
    for name, value in variables.items():
        if name.startswith("CORONODE_") and name != "CORONODE_CONFIG":
            monkeypatch.setenv(name, value)
    return load(file)


def spell(value: str) -> str:
    """A value with the variables of .env in place."""
    for name, word in SECRETS.items():
        value = value.replace(f"${{{name}:?write it into .env}}", word).replace(f"${{{name}}}", word)
    return value


@pytest.mark.parametrize("service", ["receiver", "scorer"])
def test_the_compose_file_configures_the_node(service, monkeypatch):
    environment = {name: spell(value) for name, value in compose()["services"][service]["environment"].items()}
    settings = settings_of(monkeypatch, COMPOSE / "coronode.toml", environment)
    assert settings.storage.database_url.startswith("postgresql+psycopg://coronode:words@")
    assert settings.storage.blobs_url == "s3://coronode"
    assert set(settings.results.destinations) <= set(settings.peers)


def test_the_compose_file_asks_for_every_secret():
    given = read_env(COMPOSE / "secrets.example.env")
    assert set(given) == set(SECRETS)
    text = (COMPOSE / "compose.yaml").read_text()
    assert all(f"${{{name}" in text for name in given)


@pytest.mark.parametrize("service", ["receiver", "scorer"])
def test_containers_of_the_compose_file_have_no_rights(service):
    node = compose()["services"][service]
    assert node["read_only"]
    assert node["cap_drop"] == ["ALL"]
    assert node["security_opt"] == ["no-new-privileges:true"]


def test_the_roles_of_a_group_are_all_there():
    for commands in (
        [compose()["services"][name]["command"] for name in ("receiver", "scorer")],
        [item["spec"]["template"]["spec"]["containers"][0]["args"] for item in deployments().values()],
    ):
        roles = [role for command in commands for role in command[command.index("--roles") + 1].split(",")]
        assert sorted(roles) == ["deliver", "receive", "score", "web"]


@pytest.mark.parametrize("name", ["receiver", "scorer"])
def test_the_manifests_configure_the_node(name, monkeypatch):
    container = deployments()[name]["spec"]["template"]["spec"]["containers"][0]
    variables = {item["name"]: item["value"] for item in container["env"]}
    settings = settings_of(
        monkeypatch, CLUSTER / "coronode.toml", variables | read_env(CLUSTER / "secrets.example.env")
    )
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
    if ports:
        assert ports == {"dicom": settings.node.port, "web": settings.web.port}
    else:
        assert settings.web.port == 0


@pytest.mark.parametrize("name", ["receiver", "scorer"])
def test_pods_have_no_rights(name):
    pod = deployments()[name]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"USER {pod['securityContext']['runAsUser']}:" in (ROOT / "Dockerfile").read_text()
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]


def test_a_service_finds_its_pods():
    labels = {name: item["spec"]["template"]["metadata"]["labels"] for name, item in deployments().items()}
    for item in documents():
        selector = item["spec"].get("podSelector", item["spec"].get("selector", {}))
        wanted = selector.get("matchLabels", selector)
        assert any(wanted.items() <= found.items() for found in labels.values()), item["metadata"]["name"]


def test_what_the_kustomization_names_is_there():
    made = yaml.safe_load((CLUSTER / "kustomization.yaml").read_text())
    files = [*made["resources"], *made["configMapGenerator"][0]["files"]]
    assert [name for name in files if not (CLUSTER / name).exists()] == []
    assert made["secretGenerator"][0]["envs"] == ["secrets.env"]
    # under the names by which the pods ask for them
    names = {made["configMapGenerator"][0]["name"], made["secretGenerator"][0]["name"], made["images"][0]["name"]}
    assert names == {"coronode"}


def test_the_image_is_built_by_the_lock_file_and_checks_its_health():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert any(line.startswith("HEALTHCHECK") and line.endswith('CMD ["coronode", "ready"]') for line in lines)
    assert any("uv sync --frozen --no-dev" in line and "UV_COMPILE_BYTECODE=1" in line for line in lines)
    copied = {word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]}
    assert {"config", "dicom", "scoring", "storage", "scp", "uv.lock"} <= copied
    assert all((ROOT / name).exists() for name in copied)
