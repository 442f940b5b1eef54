"""The page's sources: npm's own tests of them, and what their built page must be for any server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
from imbalkit_app.headers import POLICY, type_of
from imbalkit_app.page import PACKAGE

pytestmark = pytest.mark.slow  # npm

WEB = PACKAGE / "web"


def test_its_own_tests_pass(built):
    if shutil.which("npm") is None:
        pytest.skip("needs npm")
    done = subprocess.run(["npm", "test"], cwd=WEB, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_lock_file_names_no_server():
    packages = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert len(packages) > 10
    assert not [name for name, facts in packages.items() if "resolved" in facts]
    assert all("integrity" in facts for name, facts in packages.items() if name)


def test_its_policy_is_the_servers(built):
    text = (built / "index.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy"\s+content="([^"]+)"', text)[1]
    assert dict(part.strip().split(" ", 1) for part in policy.split(";") if part.strip()) == POLICY


def test_no_address_in_it_is_absolute(built):
    """So that any folder of any server can host it."""
    text = (built / "index.html").read_text(encoding="utf-8")
    addresses = re.findall(r'(?:src|href)="([^"#]+)"', text)
    assert len(addresses) > 3
    assert not [address for address in addresses if not address.startswith("./")]
    manifest = json.loads((built / "manifest.webmanifest").read_text(encoding="utf-8"))
    named = [manifest["start_url"], manifest["scope"], *(icon["src"] for icon in manifest["icons"])]
    assert not [address for address in named if address.startswith(("/", "http"))]
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"]}


def test_the_server_knows_the_types_of_its_files(built):
    unknown = [path.name for path in built.rglob("*") if path.is_file() and type_of(path.name) == type_of("x")]
    assert unknown == []


def test_it_is_light_but_for_model_and_wasm(built):
    """The issue's bound: 200 KB."""
    files = [path for path in built.rglob("*") if path.is_file() and "litert" not in path.parts]
    assert 20_000 < sum(path.stat().st_size for path in files) < 200_000
