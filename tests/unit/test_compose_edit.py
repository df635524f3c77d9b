# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edit of a Compose file's text: many shapes of files, what may change of them, and what is refused."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.incident.response.plugins.module_utils.core import compose_facts as facts
from ansible_collections.incident.response.plugins.module_utils.core.compose_edit import defines, set_memory
from ansible_collections.incident.response.plugins.module_utils.core.docker_plan import Refused

MIB = 2**20


def edited(text, memory=96 * MIB, swap=0, service="web"):
    return set_memory(text, service, memory, swap)


def refused(text, **options):
    with pytest.raises(Refused) as caught:
        edited(text, **options)
    return str(caught.value)


def service(*lines):
    return (
        "services:\n  web:\n    image: a\n"
        + "".join(f"    {line}\n" for line in lines)
        + "  other:\n    mem_limit: 1m\n"
    )


VALUES = [
    ("64m", "96m"),
    ("64M", "96M"),
    ("64mb", "96m"),
    ("64MiB", "96M"),
    ("67108864", "100663296"),
    ("67108864b", "96m"),
    ("'64m'", "'96m'"),
    ('"64m"', '"96m"'),
    ('"67108864"', '"100663296"'),
    ("64m   # why", "96m   # why"),
    ("'64m' # it's", "'96m' # it's"),
    ("64m #", "96m #"),
    ("  64m", "  96m"),
    ("64m  ", "96m  "),
    ("0.0625g", "96m"),
    ("65536k", "96m"),
]


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize(("old", "new"), VALUES)
def test_only_the_value_changes(old, new, end):
    text = service(f"mem_limit: {old}", "command: b").replace("\n", end)
    found = edited(text)
    assert found.text == text.replace(f"mem_limit: {old}{end}", f"mem_limit: {new}{end}")
    assert len(found.lines) == 1 and found.lines[0].startswith("line 4: mem_limit:") and "\r" not in found.lines[0]
    assert yaml.safe_load(found.text)["services"]["other"] == {"mem_limit": "1m"}


@pytest.mark.parametrize(
    ("size", "written"), [(2**31, "2g"), (1536 * MIB, "1536m"), (70_000_640, "68360k"), (70_000_641, "70000641b")]
)
def test_units(size, written):
    assert f"mem_limit: {written}\n" in edited(service("mem_limit: 64m"), memory=size).text


SHAPES = {
    "comments": "# top\nservices: # all\n\n  # front\n  web: # it\n      # inner\n\n      mem_limit: 64m\n",
    "wide": "services:\n        web:\n                mem_limit: 64m\n",
    "quoted": "'services':\n  \"web\":\n    'mem_limit': 64m\n",
    "space before the colon": "services:\n  web :\n    mem_limit : 64m\n",
    "last without an end": "services:\n  web:\n    image: a\n    mem_limit: 64m",
    "document start": "%YAML 1.2\n---\nservices:\n  web:\n    mem_limit: 64m\n",
    "byte order mark": "\ufeffservices:\n  web:\n    mem_limit: 64m\n",
    "text block": "services:\n  web:\n    command: |\n      mem_limit: 1m\n\n      web:\n    mem_limit: 64m\n",
    "folded with indent": "services:\n  web:\n    command: >2-\n        mem_limit: 1m\n    mem_limit: 64m\n",
    "list at the indent of its key": "services:\n  web:\n    ports:\n    - '80'\n    mem_limit: 64m\n",
    "mapping with the same key": "services:\n  web:\n    environment:\n      mem_limit: 1m\n    mem_limit: 64m\n",
    "others of the name": "x-a:\n  web:\n    a: 1\nservices:\n  web2:\n    mem_limit: 1m\n  web:\n    mem_limit: 64m\n",
    "services elsewhere": "x-a:\n  services:\n    web:\n      b: 1\nservices:\n  web:\n    mem_limit: 64m\nx-b:\n",
    "own limit beside a merge": "x-a: &a\n  mem_limit: 1m\nservices:\n  web:\n    <<: *a\n    mem_limit: 64m\n",
    "own limit beside extends": "services:\n  web:\n    extends: b\n    mem_limit: 64m\n  b:\n    mem_limit: 1m\n",
    "own limit, aliased deploy": "x-a: &a\n  replicas: 1\nservices:\n  web:\n    deploy: *a\n    mem_limit: 64m\n",
    "quoted text over lines": 'services:\n  web:\n    command: "a\n      mem_limit: 1m\n      b"\n    mem_limit: 64m\n',
    "deploy": "services:\n  web:\n    deploy:\n      a: 1\n      resources:\n        limits:\n          memory: 64m\n",
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name):
    text = SHAPES[name]
    found = edited(text)
    assert found.text == text.replace("64m", "96m") and len(found.lines) == 1


def test_both_places():
    text = service("mem_limit: 64m", "deploy:", "  resources:", "    limits:", "      memory: 64M")
    found = edited(text)
    assert "    mem_limit: 96m\n" in found.text and "memory: 96M\n" in found.text and len(found.lines) == 2


@pytest.mark.parametrize(
    ("line", "swap", "after"),
    [("128m", 160 * MIB, "160m"), ("-1", 160 * MIB, "-1"), ("'128m'", 160 * MIB, "'160m'"), ("128m", -1, "128m")],
)
def test_swap(line, swap, after):
    found = edited(service("mem_limit: 64m", f"memswap_limit: {line}  # s"), swap=swap)
    assert f"    memswap_limit: {after}  # s\n" in found.text


def test_the_same_again_is_no_edit():
    text = service("mem_limit: 96m")
    assert edited(text).text == text and edited(text).lines == ()


def test_where_nothing_says_a_limit():
    found = edited("services:\r\n  web:\r\n    image: a\r\n")
    assert found.text == "services:\r\n  web:\r\n    mem_limit: 96m\r\n    image: a\r\n"
    assert found.lines == ("line 3: mem_limit: 96m (new)",)


DEPLOY = ["deploy:", "  resources:", "    limits:", "      memory: 64m"]
REFUSALS = {
    "tab": ("services:\n\tweb:\n", "line 2 is indented with a tab"),
    "two documents": (service("mem_limit: 64m") + "---\nservices: {}\n", "second document"),
    "no services": ("version: '3'\ninclude:\n  - a.yml\n", "no services of its own"),
    "flow services": ("services: {web: {mem_limit: 64m}}\n", "flow style"),
    "flow service": ("services:\n  web: {mem_limit: 64m}\n", "flow style"),
    "alias service": ("x-a: &a\n  mem_limit: 64m\nservices:\n  web: *a\n", "is the alias *a"),
    "anchored service": ("services:\n  web: &w\n    mem_limit: 64m\n", "has an anchor (&w)"),
    "no such service": ("services:\n  web2:\n    mem_limit: 64m\n", "does not define service web"),
    "empty service": ("services:\n  web:\n  other:\n    image: a\n", "is empty"),
    "twice": (service("mem_limit: 64m", "mem_limit: 65m"), "has mem_limit twice"),
    "service twice": (service("mem_limit: 64m") + "  web:\n    image: b\n", "has web twice"),
    "merged": ("x-a: &a\n  mem_limit: 64m\nservices:\n  web:\n    <<: *a\n", "a merge key (<<)"),
    "extended": ("services:\n  web:\n    extends:\n      service: b\n", "what it extends"),
    "variable": (service("mem_limit: ${LIMIT:-64m}"), "comes from the environment"),
    "bare variable": (service("mem_limit: $LIMIT"), "comes from the environment"),
    "quoted variable": (service('mem_limit: "${LIMIT}"'), "comes from the environment"),
    "alias": (service("mem_limit: *m"), "is the alias *m"),
    "anchor": (service("mem_limit: &m 64m"), "has an anchor (&m)"),
    "tag": (service("mem_limit: !!str 64m"), "has a tag"),
    "block": (service("mem_limit: |", "  64m"), "text block"),
    "null": (service("mem_limit:"), "no size"),
    "nonsense": (service("mem_limit: much"), "no size of memory"),
    "variable swap": (service("mem_limit: 64m", "memswap_limit: $S"), "memswap_limit (line 5)"),
    "aliased deploy": (service("deploy: *d"), "deploy of service web is the alias *d"),
    "anchored deploy": (service("deploy: &d", *DEPLOY[1:]), "has an anchor"),
    "flow limits": (service(*DEPLOY[:2], "    limits: {memory: 64m}"), "deploy.resources.limits of service web"),
    "variable in deploy": (service(*DEPLOY[:3], "      memory: ${M}"), "comes from the environment"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name):
    text, words = REFUSALS[name]
    assert words in refused(text, swap=160 * MIB)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (service("mem_limit: 64m"), True),
        ("services: {web: {}}\n", True),
        ("services:\n  web: *a\n", True),
        ("services:\n  web2:\n    image: a\n", False),
        ("volumes:\n  web:\n", False),
        ("", False),
    ],
)
def test_which_file_defines_it(text, said):
    assert defines(text, "web") is said


def resolved(**web):
    return {"services": {"web": {"image": "a", **web}, "other": {"mem_limit": "1"}}}


def test_the_meaning_is_the_same_with_another_limit():
    facts.check_meaning(resolved(mem_limit="1"), resolved(mem_limit="2"), "web", 2, 4)
    facts.check_meaning(resolved(), resolved(mem_limit="2"), "web", 2, 4)
    deploy = {"deploy": {"resources": {"limits": {"memory": "1"}}}}
    after = {"deploy": {"resources": {"limits": {"memory": "2"}}}}
    facts.check_meaning(resolved(**deploy), resolved(**after), "web", 2, 4)
    swap = {"mem_limit": "1", "memswap_limit": "3"}
    facts.check_meaning(resolved(**swap), resolved(mem_limit="2", memswap_limit="4"), "web", 2, 4)
    with pytest.raises(Refused, match="not give web the limits"):
        facts.check_meaning(resolved(**swap), resolved(mem_limit="2", memswap_limit="3"), "web", 2, 4)
    other = resolved(mem_limit="2")
    other["services"]["other"]["mem_limit"] = "2"
    with pytest.raises(Refused, match="change other too"):
        facts.check_meaning(resolved(mem_limit="1"), other, "web", 2, 4)


LABELS = {
    "com.docker.compose.project": "shop",
    "com.docker.compose.service": "web",
    "com.docker.compose.config-hash": "abc",
    "com.docker.compose.project.config_files": "/a.yml, /b.yml",
    "com.docker.compose.project.working_dir": "/",
}


def test_the_place_is_what_the_labels_name():
    place = facts.place_of(LABELS, "shop-web-1")
    assert (place.files, place.directory, place.env_files) == (("/a.yml", "/b.yml"), "/", ())
    for label in ("project", "config-hash", "project.config_files"):
        with pytest.raises(Refused, match=f"com.docker.compose.{label} is missing"):
            facts.place_of(
                {name: value for name, value in LABELS.items() if not name.endswith(f".{label}")}, "shop-web-1"
            )


def test_what_the_file_does_not_describe():
    place = facts.place_of(LABELS, "shop-web-1")
    facts.check_described(place, {"shop-web-1": "abc"}, "abc")
    with pytest.raises(Refused, match="shop-web-2 was not made from"):
        facts.check_described(place, {"shop-web-1": "abc", "shop-web-2": "old"}, "abc")


SCALABLE = [
    ({}, None),
    ({"ports": [{"target": 80}]}, None),
    ({"ports": [{"target": 80, "published": "8000-8001"}]}, None),
    ({"ports": [{"target": 80, "published": "8000-8000"}]}, "holds host port"),
    ({"ports": [{"target": 80, "published": "8080"}]}, "holds host port 8080 for its port 80"),
    ({"container_name": "one"}, "container_name one is fixed"),
    ({"network_mode": "host"}, "host's network"),
    ({"networks": {"a": None, "b": {"ipv4_address": "10.0.0.9"}}}, "address 10.0.0.9 in network b is fixed"),
]


@pytest.mark.parametrize(("config", "words"), SCALABLE)
def test_what_can_be_scaled(config, words):
    facts.check_scalable(config, "web", 1)
    if words is None:
        facts.check_scalable(config, "web", 2)
    else:
        with pytest.raises(Refused, match=words):
            facts.check_scalable(config, "web", 2)
