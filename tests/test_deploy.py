"""The files in deploy/ that run the bot as many containers: whole, consistent with each other and with the project."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.cli.run import shards
from bot.settings.load import load

ROOT = Path(__file__).resolve().parent.parent
KUBERNETES = ROOT / "deploy" / "kubernetes"
VERSION = "1.31"
"""Of Kubernetes: the schemas that the manifests are held against."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(
        (ROOT / "deploy" / "compose.cluster.yaml").read_text(encoding="utf-8")
    )
    return content


@pytest.fixture(scope="module")
def manifests() -> dict[tuple[str, str], dict[str, Any]]:
    """By kind and name."""
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text(encoding="utf-8"))
    files = [path.name for path in sorted(KUBERNETES.glob("*.yaml")) if path.name != "kustomization.yaml"]
    assert sorted(kustomization["resources"]) == files
    texts = [(KUBERNETES / name).read_text(encoding="utf-8") for name in files]
    documents = itertools.chain.from_iterable(map(yaml.safe_load_all, texts))
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def pods(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The templates of pods in a manifest."""
    spec = document.get("spec", {})
    groups = [spec.get("headGroupSpec"), *spec.get("workerGroupSpecs", ()), spec]
    return [group["template"] for group in groups if group and "template" in group]


def containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [container for pod in pods(document) for container in pod["spec"]["containers"]]


def test_kubernetes_takes_the_manifests(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    kubernetes_validate = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate is not installed"
    )
    for document in manifests.values():
        if document["apiVersion"].startswith("ray.io/"):  # the operator's own kind; its pods are everybody's
            for number, pod in enumerate(pods(document)):
                whole = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"pod-{number}"}, **pod}
                kubernetes_validate.validate(whole, VERSION, strict=True)
        else:
            kubernetes_validate.validate(document, VERSION, strict=True)


def test_kustomize_renders_the_folder() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    command = [kubectl, "kustomize", str(KUBERNETES)]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout  # noqa: S603
    documents = list(yaml.safe_load_all(rendered))
    images = {container["image"] for document in documents for container in containers(document)}
    assert images == {"registry.example.com/tokenwise:latest", "postgres:17"}
    config = next(document["metadata"]["name"] for document in documents if document["kind"] == "ConfigMap")
    volumes = [
        volume["configMap"]["name"]
        for document in documents
        for pod in pods(document)
        for volume in pod["spec"].get("volumes", ())
        if "configMap" in volume
    ]
    assert set(volumes) == {config}


def test_what_the_manifests_name_is_there(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    for (kind, name), document in manifests.items():
        if kind == "Service":
            labels = [
                pod["metadata"]["labels"]
                for other in manifests.values()
                for pod in pods(other)
                if "metadata" in pod
            ]
            assert document["spec"]["selector"] in [{"app": label["app"]} for label in labels], name
        if kind == "StatefulSet":
            assert ("Service", document["spec"]["serviceName"]) in manifests
        for pod in pods(document):
            volumes = {volume["name"] for volume in pod["spec"].get("volumes", ())}
            volumes |= {
                claim["metadata"]["name"] for claim in document["spec"].get("volumeClaimTemplates", ())
            }
            for volume in pod["spec"].get("volumes", ()):
                if claim := volume.get("persistentVolumeClaim"):
                    assert ("PersistentVolumeClaim", claim["claimName"]) in manifests
            for container in pod["spec"]["containers"]:
                assert {mount["name"] for mount in container.get("volumeMounts", ())} <= volumes, name


def test_secrets_are_only_referred_to(
    manifests: dict[tuple[str, str], dict[str, Any]], compose: dict[str, Any]
) -> None:
    assert "Secret" not in {kind for kind, _ in manifests}
    for document in manifests.values():
        for container in containers(document):
            for variable in container.get("env", ()):
                if re.search("TOKEN$|PASSWORD|__URL", variable["name"]):
                    assert set(variable["valueFrom"]) == {"secretKeyRef"}
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("TOKEN$|PASSWORD|__URL", name):
                assert "${" in value


def test_the_processes_share_the_shards_among_them(
    manifests: dict[tuple[str, str], dict[str, Any]], compose: dict[str, Any]
) -> None:
    """Each shard is run once, in the composition and in the pods."""
    asked = [
        shards(service["command"][2])
        for service in compose["services"].values()
        if service.get("command", [])[:2] == ["run", "--shards"]
    ]
    assert sorted(itertools.chain.from_iterable(ids for ids, _ in asked)) == list(range(4))
    assert {count for _, count in asked} == {4}
    bot = manifests["StatefulSet", "bot"]
    (container,) = containers(bot)
    given = {variable["name"]: variable.get("value", "") for variable in container["env"]}
    assert int(given["SHARDS"]) == int(given["SHARDS_PER_POD"]) * bot["spec"]["replicas"]
    script = (
        container["args"][0].replace("exec python -m bot run --shards", "echo").replace("ray start", "true")
    )
    ids: list[int] = []
    for pod in range(bot["spec"]["replicas"]):
        said = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", script],
            env=given | {"POD": str(pod)},
            check=True,
            capture_output=True,
            text=True,
            timeout=10,
        )
        own, count = shards(said.stdout.strip())
        ids += own
        assert count == 4
    assert ids == list(range(4))


def test_the_settings_are_ones_that_the_bot_knows(
    manifests: dict[tuple[str, str], dict[str, Any]], compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, str] = {}
    for document in manifests.values():
        for container in containers(document):
            given |= {one["name"]: one["value"] for one in container.get("env", ()) if "value" in one}
    for service in compose["services"].values():
        given |= service.get("environment", {})
    for name, value in given.items():
        if name.startswith("TOKENWISE_"):
            monkeypatch.setenv(name, re.sub(r"\$\{.*\}", "secret", value))
    settings = load(KUBERNETES / "config.toml")
    assert settings.inference.backend == "ray"
    assert settings.health.host == "0.0.0.0"  # noqa: S104 - inside of the pod


def test_the_image_can_be_had_with_every_extra(compose: dict[str, Any]) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    built = [service["build"] for service in compose["services"].values() if "build" in service]
    assert built
    for build in built:
        assert set(build["args"]["EXTRAS"].split()) <= set(extras)
        assert (ROOT / "deploy" / build["context"] / "Dockerfile").resolve() == ROOT / "Dockerfile"
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r'ARG EXTRAS="(.*)"', dockerfile)[0].split()) <= set(extras)
    copied = set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE))
    assert copied == {"sandbox", "texts", "demo", "models", "cogs", "bot"}
