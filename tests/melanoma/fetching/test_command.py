"""What the command line asks, says and refuses."""

import os
import pty
import re
import subprocess
import sys

import pytest

from tests.melanoma.fetching.stand_in import ZIP_2020


def test_no_one_can_accept_the_licence(fetch, server, data):
    result = fetch(yes=False)
    assert result.code == 1
    assert "CC BY-NC 4.0" in result.out
    assert "add --yes" in result.err
    assert server.requests == []
    assert not data.exists()


@pytest.mark.parametrize("answer", ["y", "n"])
def test_asks_on_a_terminal(server, tmp_path, answer):
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "imbalkit", "melanoma", "fetch", "isic_2019", "--mirror", server.url],
        cwd=tmp_path,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=os.environ | {"NO_PROXY": "127.0.0.1", "COLUMNS": "120", "TERM": "xterm"},
    )
    os.close(terminal)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(controller, 4096)
    assert re.search(r"ISIC_2019_Training_Input.zip +\d+\.\d kB", shown.decode())
    assert not (tmp_path / "data").exists()
    os.write(controller, f"{answer}\n".encode())
    try:
        while piece := os.read(controller, 4096):
            shown += piece
    except OSError:  # how a closed terminal ends
        pass
    assert process.wait(120) == (0 if answer == "y" else 1), shown.decode()
    assert "━" in shown.decode() if answer == "y" else "nothing was downloaded" in shown.decode()  # rich's bar
    assert (tmp_path / "data").exists() == (answer == "y")


def test_another_folder_is_exported(fetch, tmp_path):
    result = fetch("isic_2020", "--to", "else where")
    assert f"export ISIC_TABLES='{tmp_path}/else where/tables'" in result.out
    assert f"export ISIC_IMAGES='{tmp_path}/else where/images'" in result.out
    assert "imbalkit plugins isic_2020" in result.out  # the merge needs both years


def test_a_password_in_the_address_is_not_written_down(fetch, server, data):
    result = fetch("isic_2019", "--mirror", server.url.replace("//", "//me:secret@"))
    assert result.code == 0, result.err
    server.fail[ZIP_2020] = [404]
    result = fetch("isic_2020", "--mirror", server.url.replace("//", "//me:secret@"))
    assert f"{server.url}{ZIP_2020} answered 404" in result.err
    assert "secret" not in result.out + result.err + (data / "fetched.json").read_text()


def test_requests_is_an_extra(fetch, monkeypatch):
    monkeypatch.setitem(sys.modules, "requests", None)
    result = fetch()
    assert result.code == 1
    assert "pip install 'imbalkit[melanoma]'" in result.err


def test_a_name_that_is_none(fetch):
    result = fetch("isic_2018")
    assert result.code == 2
    assert "isic_2019" in result.err


@pytest.mark.parametrize(
    "arguments, modules",
    [
        (["--help"], ["imbalkit_melanoma"]),
        (["melanoma", "fetch", "--help"], ["requests", "rich", "pandas", "torch", "imbalkit_melanoma.fetching"]),
    ],
)
def test_help_imports_nothing_heavy(arguments, modules):
    code = (
        "import sys; from imbalkit.cli.main import root\n"
        f"try: root({arguments!r})\n"
        f"except SystemExit: print([name for name in {modules!r} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout.splitlines()[-1] == "[]", result.stderr
    assert "fetch" in result.stdout or "melanoma" in result.stdout
