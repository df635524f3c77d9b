"""The lab's Kubernetes without a node: what is to run there, logins, paths of the API, and what is left to remove."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from lab import artifacts, cgroups, config, faults, kubernetes, kubernetes_api, workloads
from lab.config import Config
from lab.errors import LabError
from lab.faults import kubernetes as failing
from lab.faults import kubernetes_hostile, kubernetes_room, kubernetes_twins

IMAGE = "incident-lab/services:1"
RECIPES = [
    row[0] for module in (failing, kubernetes_room, kubernetes_twins, kubernetes_hostile) for row in module.TABLE
]


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    env = {"LAB_STATE_DIR": str(tmp_path), "LAB_CACHE_DIR": str(tmp_path), "LAB_PORT_OFFSET": "1000"}
    return config.load(env, profiles=("kubernetes",))


def standing(settings: Config, kind: str) -> dict[str, dict[str, Any]]:
    found = workloads.standing(settings, IMAGE)
    return {wanted["metadata"]["name"]: wanted for wanted in found if wanted["kind"] == kind}


def test_both_services_run_twice_with_probes_and_limits_and_the_image_of_compose(settings: Config) -> None:
    found = standing(settings, "Deployment")
    assert set(found) == {"gateway", "notification"}
    for name, wanted in found.items():
        assert wanted["metadata"]["namespace"] == "incident-lab"
        assert wanted["spec"]["replicas"] == 2
        (container,) = wanted["spec"]["template"]["spec"]["containers"]
        assert (container["command"], container["image"], container["imagePullPolicy"]) == ([name], IMAGE, "Never")
        assert {"readinessProbe", "livenessProbe"} <= set(container)
        assert set(container["resources"]) == {"requests", "limits"}


def test_a_service_lives_whatever_it_needs(settings: Config) -> None:
    """Else a database that is away would have every pod killed."""
    for wanted in standing(settings, "Deployment").values():
        (container,) = wanted["spec"]["template"]["spec"]["containers"]
        assert container["readinessProbe"]["httpGet"]["path"] == "/health"
        assert "httpGet" not in container["livenessProbe"]


def test_its_consumers_take_nothing_from_those_of_compose(settings: Config) -> None:
    (container,) = standing(settings, "Deployment")["notification"]["spec"]["template"]["spec"]["containers"]
    env = {item["name"]: item["value"] for item in container["env"]}
    assert (env["KAFKA_TOPIC"], env["KAFKA_GROUP"]) == ("notifications", "notification-kubernetes")


@pytest.mark.parametrize(
    ("version", "kind", "namespace", "path"),
    [
        ("v1", "Namespace", None, "/api/v1/namespaces/it"),
        ("v1", "Pod", "space", "/api/v1/namespaces/space/pods/it"),
        ("apps/v1", "Deployment", "space", "/apis/apps/v1/namespaces/space/deployments/it"),
        ("scheduling.k8s.io/v1", "PriorityClass", None, "/apis/scheduling.k8s.io/v1/priorityclasses/it"),
    ],
)
def test_the_path_of_an_object(version: str, kind: str, namespace: str | None, path: str) -> None:
    metadata = {"name": "it", **({"namespace": namespace} if namespace else {})}
    assert kubernetes_api.path({"apiVersion": version, "kind": kind, "metadata": metadata}) == path


def test_without_a_login_it_is_said_how_to_get_one(settings: Config) -> None:
    with pytest.raises(LabError) as raised:
        kubernetes_api.Api(settings).get("/api/v1/nodes")
    assert raised.value.hint == "lab up --profile kubernetes"


@pytest.fixture
def operator(settings: Config) -> dict[str, str]:
    made = {"authority": "QQ==", "certificate": "Qg==", "key": "Qw=="}
    settings.kubernetes_operator.parent.mkdir(parents=True)
    settings.kubernetes_operator.write_text(json.dumps(made))
    return made


def login(settings: Config) -> tuple[dict[str, str], dict[str, str]]:
    content = json.loads(settings.kubeconfig.read_text())
    return content["clusters"][0]["cluster"], content["users"][0]["user"]


def test_the_kubeconfig_is_the_labs_own_and_its_owners(settings: Config, operator: dict[str, str]) -> None:
    kubernetes.write_login(settings)
    assert settings.kubeconfig.is_relative_to(settings.state)
    assert stat.S_IMODE(settings.kubeconfig.stat().st_mode) == 0o600
    cluster, user = login(settings)
    assert cluster == {"server": "https://127.0.0.1:7443", "certificate-authority-data": operator["authority"]}
    assert user == {"client-certificate-data": operator["certificate"], "client-key-data": operator["key"]}


@pytest.mark.usefixtures("operator")
def test_a_spoiled_login_is_put_back_exactly(settings: Config) -> None:
    kubernetes.write_login(settings)
    before = settings.kubeconfig.read_bytes()
    kubernetes.write_login(settings, token="wrong")
    assert login(settings)[1] == {"token": "wrong"}
    other = base64.b64encode(b"other").decode()
    kubernetes.write_login(settings, authority=other)
    assert login(settings)[0]["certificate-authority-data"] == other
    kubernetes.write_login(settings, certificate=other)
    assert login(settings)[1]["client-certificate-data"] == other
    kubernetes.write_login(settings)
    assert settings.kubeconfig.read_bytes() == before


@pytest.mark.usefixtures("operator")
def test_nothing_stays_when_it_is_down(settings: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubernetes.write_login(settings)
    groups = tmp_path / "cgroup"
    for controller in ("memory", "cpu"):
        (groups / controller / settings.cgroup_root / "kubepods" / "burstable" / "pod1").mkdir(parents=True)
        (groups / controller / "second-kubernetes" / "kubepods").mkdir(parents=True)
    monkeypatch.setattr(cgroups, "ROOT", groups)
    kubernetes.sweep(settings)
    assert sorted(path.name for path in groups.glob("*/*")) == ["second-kubernetes", "second-kubernetes"]
    assert not settings.kubeconfig.exists()


def test_the_version_comes_from_what_is_built() -> None:
    assert artifacts.kubernetes_version().startswith("v1.")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_fault_makes_objects_of_its_own_alone(recipe: Any) -> None:
    """Clearing it removes these by name, and its pods by their label."""
    made = recipe.objects(recipe.name, IMAGE)
    assert len({kubernetes_api.path(wanted) for wanted in made}) == len(made)
    for wanted in made:
        assert wanted["metadata"]["namespace"] == workloads.FAULTS
        assert wanted["metadata"]["labels"] == {"fault": recipe.name}
    if recipe.before:
        assert {kubernetes_api.path(wanted) for wanted in recipe.before(recipe.name, IMAGE)} <= {
            kubernetes_api.path(wanted) for wanted in made
        }


def test_no_two_faults_share_a_name() -> None:
    names = [recipe.name for recipe in RECIPES]
    assert len(set(names)) == len(names)
    assert {f"kubernetes_{name.replace('-', '_')}" for name in names} <= set(faults.ALL)
