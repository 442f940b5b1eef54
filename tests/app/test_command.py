"""`imbalkit app` as it is typed: what it writes and says, mistakes without tracebacks, Ctrl-C."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from imbalkit_app.invitation import invitation, qr_code, urls

from tests.app.conftest import STUB
from tests.command_line import imbalkit

NEW = {"model/model.tflite", "model/card.json", "model/facts.json"}


@pytest.fixture
def mine(model, tmp_path) -> Path:
    """The model in a folder of one's own."""
    path = tmp_path / "models" / "mine.tflite"
    path.parent.mkdir()
    path.write_bytes(model.read_bytes())
    return path


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_lies_beside_the_model(mine, stub_page, tmp_path):
    done = imbalkit("app", "models/mine.tflite", cwd=tmp_path)
    folder = tmp_path / "models" / "mine-app"
    assert names(folder) == STUB.keys() | NEW
    assert json.loads((folder / "model" / "facts.json").read_text())["file"] == "mine.tflite"
    assert done.stdout.startswith("models/mine-app: 11 files, 0.0 MB\nany web server can host this folder")
    assert "python -m http.server --directory models/mine-app" in done.stdout


def test_or_into_the_given_folder(mine, stub_page, tmp_path):
    imbalkit("app", mine, "--out", "site/app", cwd=tmp_path)
    imbalkit("app", mine, "--out", "site/app", cwd=tmp_path)  # an earlier one is replaced
    assert names(tmp_path / "site" / "app") == STUB.keys() | NEW


@pytest.mark.parametrize(
    "words, message",
    [
        (["gone.tflite"], "there is no file gone.tflite"),
        (["models"], "models is not a run folder: expected recipe.yaml and run.json in it"),
        (["model.onnx"], "the app runs TFLite files, model.onnx is ONNX"),
        (["bare.tflite"], "bare.tflite has no card"),
        (["text.tflite"], "text.tflite is not a TFLite file, or it is damaged"),
        (["models/mine.tflite", "--out", "models"], "models is there and is not an earlier app"),
    ],
)
def test_mistakes_end_with_their_message(mine, stub_page, tmp_path, words, message):
    data = mine.read_bytes()
    (tmp_path / "model.onnx").write_bytes(b"x")
    (tmp_path / "bare.tflite").write_bytes(data[: data.index(b"PK\x03\x04")])
    (tmp_path / "text.tflite").write_text("not a model at all")
    before = names(tmp_path)
    done = imbalkit("app", *words, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert names(tmp_path) == before


@pytest.mark.parametrize(
    "words, message",
    [
        (["--out", "x", "--serve"], "--out writes a folder, --apk a file, and --serve writes nothing"),
        (["--https"], "--host, --port and --https are about --serve: add that"),
        (["--port", "80"], "are about --serve"),
        (["--serve", "--port", "70000"], "0<=x<=65535"),
    ],
)
def test_words_that_contradict_each_other(mine, tmp_path, words, message):
    done = imbalkit("app", mine, *words, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize("package", ["cryptography", "segno"])
def test_https_without_its_packages(mine, stub_page, tmp_path, monkeypatch, package):
    monkeypatch.setenv("IMBALKIT_APP_CERTIFICATES", str(tmp_path / "certificates"))
    monkeypatch.setitem(sys.modules, package, None)
    done = imbalkit("app", mine, "--serve", "--https", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert f'--https needs {package}: pip install "imbalkit[app]"' in done.stderr


def test_a_missing_page_is_reported_before_anything_is_written(mine, tmp_path, monkeypatch):
    monkeypatch.setattr("imbalkit_app.page.PACKAGE", tmp_path / "nowhere")
    done = imbalkit("app", mine, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "has no page for the app" in done.stderr
    assert not (tmp_path / "models" / "mine-app").exists()


# --- serving ----------------------------------------------------------------------------------------------------------


def served(stub: Path, *words: object, cwd: Path, before: str = "") -> subprocess.Popen[str]:
    """The command in a process of its own, with the stand-in for the page; `before`: what its program begins with."""
    program = (
        f"{before}\nimport sys; import imbalkit_app.page as page; from pathlib import Path; from imbalkit.cli.main import main\n"
        f"page.find_page = lambda say: Path({str(stub)!r})\n"
        "main()"
    )
    variables = os.environ | {"IMBALKIT_APP_CERTIFICATES": str(cwd / "certificates"), "PYTHONUNBUFFERED": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    variables["PYTHONIOENCODING"] = "utf-8"
    return subprocess.Popen([sys.executable, "-c", program, "app", *map(str, words)], cwd=cwd, env=variables, **pipes)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_it_serves_until_ctrl_c(mine, stub, tmp_path, scheme):
    if scheme == "https":
        pytest.importorskip("cryptography", reason="needs cryptography: pip install 'imbalkit[app]'")
    words = ["--serve", "--port", 0, *(["--https", "--host", "localhost"] if scheme == "https" else [])]
    process = served(stub, mine, *words, cwd=tmp_path)
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line == "Ctrl-C ends it\n":
                break
        assert lines, process.stderr.read()
        address = re.fullmatch(rf"the app is at ({scheme}://(?:127\.0\.0\.1|localhost):\d+/)\n", lines[0])[1]
        trust = None
        if scheme == "https":
            import ssl

            trust = ssl.create_default_context(cafile=str(tmp_path / "certificates" / "certificate.pem"))
            with urllib.request.urlopen(f"{address}imbalkit.crt", context=trust, timeout=60) as answer:
                assert ssl.DER_cert_to_PEM_cert(answer.read()) in (
                    tmp_path / "certificates" / "certificate.pem"
                ).read_text().replace("\r", "")
        with urllib.request.urlopen(f"{address}model/model.tflite", context=trust, timeout=60) as answer:
            assert answer.read() == mine.read_bytes()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert rest == "\nstopped\n"
    assert ("imbalkit.crt on the phone first" in lines[-2]) == (scheme == "https")
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert names(mine.parent) == {"mine.tflite"}  # nothing is written


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_in_the_background_is_stopped_by_signals(mine, stub, tmp_path, number):
    """A shell starts `command &` with SIGINT ignored."""
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    process = served(stub, mine, "--serve", "--port", 0, cwd=tmp_path, before=ignoring)
    try:
        for line in process.stdout:
            if line == "Ctrl-C ends it\n":
                break
        process.send_signal(number)
        rest, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (rest, process.returncode) == ("\nstopped\n", 0), errors


def test_handlers_are_put_back(mine, stub_page, tmp_path, monkeypatch):
    during, numbers = [], (signal.SIGINT, signal.SIGTERM)

    def end(server):
        during.extend(map(signal.getsignal, numbers))
        raise KeyboardInterrupt

    monkeypatch.setattr("imbalkit_app.serving.Server.serve_forever", end)
    before = [signal.getsignal(each) for each in numbers]
    assert imbalkit("app", mine, "--serve", "--port", 0, cwd=tmp_path).stdout.endswith("\nstopped\n")
    assert during == [signal.default_int_handler] * 2
    assert [signal.getsignal(each) for each in numbers] == before


def test_no_torch_is_needed(mine, stub, tmp_path):
    program = (
        "import sys; import imbalkit_app.page as page; from pathlib import Path\n"
        f"page.find_page = lambda say: Path({str(stub)!r})\n"
        "from imbalkit_app.commands import command\n"
        "command(standalone_mode=False)\n"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(mine)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_port_in_use(mine, stub_page, tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = imbalkit("app", mine, "--serve", "--port", port, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1 is in use: choose another with --port" in done.stderr


# --- what it says -----------------------------------------------------------------------------------------------------


def test_addresses_for_a_person(monkeypatch):
    monkeypatch.setattr("imbalkit_app.invitation.lan_addresses", lambda: ["192.168.1.20", "10.0.0.7"])
    assert urls("https", "0.0.0.0", 8443) == [
        *("https://192.168.1.20:8443/", "https://10.0.0.7:8443/", "https://localhost:8443/")
    ]
    assert urls("https", "bench", 443) == ["https://bench/"]
    assert urls("http", "::1", 8000) == ["http://[::1]:8000/"]


def test_plain_http_explains_why_a_phone_gets_no_camera():
    assert "for a phone: --https" in "\n".join(invitation("http", "127.0.0.1", 8000))
    assert "other machines get no camera" in "\n".join(invitation("http", "192.168.1.20", 8000))


def test_the_code_for_the_phone_holds_the_address(monkeypatch):
    segno = pytest.importorskip("segno", reason="needs segno: pip install 'imbalkit[app]'")
    cv2 = pytest.importorskip("cv2", reason="needs OpenCV, which reads the code")
    import numpy as np

    monkeypatch.setattr("imbalkit_app.invitation.lan_addresses", lambda: ["192.168.1.20"])
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    lines = list(invitation("https", "0.0.0.0", 8443))
    code = [line for line in lines if "▄" in line]
    assert code == [line for line in qr_code("https://192.168.1.20:8443/") if "▄" in line]
    # Half blocks: each character is two modules, one above the other; on a terminal ink is light and ground is dark.
    halves = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    drawn = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in qr_code("https://192.168.1.20:8443/")]
    width = max(map(len, drawn))
    grid = np.array([[halves[c][half] for c in line.ljust(width)] for line in drawn for half in (0, 1)], dtype=np.uint8)
    picture = cv2.copyMakeBorder(
        np.kron(grid * 255, np.ones((8, 8), np.uint8)), 40, 40, 40, 40, cv2.BORDER_CONSTANT, value=255
    )
    text, *_ = cv2.QRCodeDetector().detectAndDecode(picture)
    assert text == "https://192.168.1.20:8443/"
    assert segno.__name__


def test_a_terminal_without_blocks_gets_no_code(monkeypatch):
    pytest.importorskip("segno", reason="needs segno: pip install 'imbalkit[app]'")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert list(qr_code("https://192.168.1.20:8443/")) == []
