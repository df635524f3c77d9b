"""The images, built without a registry and tagged by what goes into them: what did not change is not built again."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import docker
from docker.errors import APIError, BuildError, DockerException, ImageNotFound

from lab import artifacts, locks, packages, proc, progress
from lab.config import HOME, Config
from lab.content import content_hash
from lab.errors import LabError

REPOSITORY = "incident-lab"
# Debian as its own slim images are made: no documentation, no translations, and no fsync after every file.
BASE_RECIPE = (
    "mmdebstrap",
    "--variant=minbase",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=force-unsafe-io",
    *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "info", "locale", "man")),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "bookworm",
)
BASE_CHANGES = ('CMD ["bash"]', "ENV LANG=C.UTF-8")
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
LOCK_TIMEOUT = 1800
WORK = "work-"
SYSTEMD = "systemd"
"""Not a part of the stack: a machine that tests boot, built when they ask for it."""


@dataclass(frozen=True)
class Image:
    """One image: lab/images/<name> is its context; `prepare` adds what is made on the host.

    One that has a profile is built only where that is wanted.
    """

    name: str
    prepare: Callable[[Config, Path], None] | None = None
    sources: tuple[Path, ...] = field(default=())
    profile: str | None = None

    @property
    def directory(self) -> Path:
        return HOME / "images" / self.name


# The ones that take longest come first.
IMAGES = (
    Image("kubernetes", artifacts.kubernetes_binary, (artifacts.KUBERNETES,), profile="kubernetes"),
    Image("services", artifacts.go_binaries, (HOME / "services",)),
    Image("kafka", artifacts.kafka_jars),
    Image("postgres"),
    Image("monitoring"),
    Image("redis"),
    Image("systemd", artifacts.ansible, profile=SYSTEMD),
)


def wanted(config: Config) -> list[Image]:
    return [image for image in IMAGES if image.profile is None or image.profile in config.profiles]


def image_variable(name: str) -> str:
    return f"LAB_IMAGE_{name.upper()}"


def base_reference(config: Config) -> str:
    if config.base_image:
        return config.base_image
    return f"{REPOSITORY}/base:{content_hash((), *BASE_RECIPE, *BASE_CHANGES)}"


def tags(config: Config) -> dict[str, str]:
    """The tag that each image has to have, by name."""
    base = base_reference(config)
    return {
        image.name: f"{REPOSITORY}/{image.name}:{content_hash((image.directory, *image.sources), base)}"
        for image in wanted(config)
    }


def variables(config: Config) -> dict[str, str]:
    return {image_variable(name): tag for name, tag in tags(config).items()}


def ensure(config: Config, client: docker.DockerClient) -> None:
    """Build what is missing, as much at once as it takes to keep the machine busy."""
    named = tags(config)
    if not any(_missing(client, tag) for tag in named.values()):
        return
    with locks.held(config.cache / "build.lock", "another lab that builds images", LOCK_TIMEOUT):
        for left in config.cache.glob(f"{WORK}*"):
            shutil.rmtree(left, ignore_errors=True)  # by a builder that was killed
        missing = [image for image in wanted(config) if _missing(client, named[image.name])]
        with ThreadPoolExecutor(max_workers=3) as pool:
            base = pool.submit(_ensure_base, config, client)
            builds = [pool.submit(_build, config, client, image, named[image.name], base) for image in missing]
            for build in builds:
                build.result()


def purge(config: Config, client: docker.DockerClient | None) -> None:
    """Remove the lab's images and caches."""
    if client is not None:
        for image in client.images.list(filters={"reference": f"{REPOSITORY}/*"}):
            for tag in image.tags:
                _remove(client, tag)
    shutil.rmtree(config.cache, ignore_errors=True)


def _remove(client: docker.DockerClient, tag: str) -> None:
    try:
        client.images.remove(tag, force=True)
    except APIError as error:
        if error.status_code != 409:
            raise
        progress.say(f"           {tag} stays: a container of another lab uses it")


def _missing(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.get(tag)
    except ImageNotFound:
        return True
    return False


def _ensure_base(config: Config, client: docker.DockerClient) -> str:
    reference = base_reference(config)
    if not _missing(client, reference):
        return reference
    start = time.monotonic()
    if config.base_image:
        _pull(client, reference)
        progress.done("base image pulled", time.monotonic() - start, reference)
    else:
        _bootstrap(config, client, reference)
        progress.done("base image made from Debian packages", time.monotonic() - start, reference)
    return reference


def _pull(client: docker.DockerClient, reference: str) -> None:
    try:
        client.images.pull(reference)
    except DockerException as error:
        raise LabError(
            f"the base image {reference} can't be pulled: {error}",
            "unset LAB_BASE_IMAGE to make one from Debian packages",
        ) from error


def _bootstrap(config: Config, client: docker.DockerClient, reference: str) -> None:
    """A minimal Debian, imported under a name of the lab's own: a user's debian:bookworm-slim stays what it is."""
    packages.need({"mmdebstrap": "mmdebstrap"}, config.state / "log")
    with tempfile.TemporaryDirectory(prefix=WORK, dir=config.cache) as directory:
        tarball = Path(directory) / "base.tar"
        proc.run(
            [*BASE_RECIPE, tarball], config.state / "log" / "mmdebstrap.log", "making the base image with mmdebstrap"
        )
        repository, tag = reference.split(":")
        client.api.import_image_from_file(str(tarball), repository=repository, tag=tag, changes=list(BASE_CHANGES))


def _build(config: Config, client: docker.DockerClient, image: Image, tag: str, base: Future[str]) -> None:
    with tempfile.TemporaryDirectory(prefix=WORK, dir=config.cache) as directory:
        context = Path(directory) / image.name
        shutil.copytree(image.directory, context)
        if image.prepare:
            image.prepare(config, context)
        reference = base.result()
        start = time.monotonic()
        log = config.state / "log" / f"build-{image.name}.log"
        arguments = {"BASE": reference, **{name: os.environ[name] for name in PROXY_VARIABLES if name in os.environ}}
        _docker_build(client, context, tag, arguments, log)
        progress.done("image built", time.monotonic() - start, tag)


def _docker_build(
    client: docker.DockerClient, context: Path, tag: str, arguments: Mapping[str, str], log: Path
) -> None:
    """The engine's own (classic) builder, through its API: it needs neither buildx nor a docker client program."""
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        _, lines = client.images.build(path=str(context), tag=tag, buildargs=dict(arguments), rm=True, forcerm=True)
    except BuildError as error:
        _write_log(log, error.build_log)
        raise LabError(f"building {tag} failed: {error.msg}\n{proc.tail(log)}", f"the whole log is {log}") from error
    except APIError as error:
        raise LabError(f"building {tag} failed: {error.explanation}", "lab status") from error
    _write_log(log, lines)


def _write_log(log: Path, lines: Iterable[Mapping[str, str]]) -> None:
    log.write_text("".join(line.get("stream") or line.get("error") or "" for line in lines))
