"""`imbalkit app MODEL --apk FILE` as it is typed: what it writes and says; mistakes in one sentence, nothing half-written."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from imbalkit_app.apk.build import TEMPLATE
from imbalkit_app.apk.key import make_key
from PIL import Image

from tests.app.apks import badging, verified
from tests.app.models import CARD, with_card
from tests.command_line import imbalkit

pytest.importorskip("cryptography", reason="needs cryptography: pip install 'imbalkit[app]'")

KEY = "keys/apk-key.pem"


@pytest.fixture(scope="module")
def pem() -> bytes:
    return make_key()


@pytest.fixture
def here(model, stub_page, pem, tmp_path, monkeypatch) -> Path:
    """A folder with a model, an icon, and the user's key."""
    folder = tmp_path / "here"
    (folder / "keys").mkdir(parents=True)
    (folder / KEY).write_bytes(pem)
    (folder / KEY).chmod(0o600)
    (folder / "mine.tflite").write_bytes(model.read_bytes())
    Image.new("RGB", (256, 256), "red").save(folder / "icon.png")
    monkeypatch.setenv("IMBALKIT_APP_CERTIFICATES", str(folder / "keys"))
    return folder


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if not path.name.endswith(".lock")
    }


def refused(*words: object, cwd: Path) -> str:
    """The one sentence that it ends with; no file has changed."""
    before = tree(cwd)
    done = imbalkit("app", *words, cwd=cwd, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert tree(cwd) == before
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    return done.stderr


def test_it_says_what_it_made_and_how_to_install_it(here):
    done = imbalkit("app", "mine.tflite", "--apk", "out/moles.apk", cwd=here)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("out/moles.apk: 0.0 MB, 'Moles of a test', org.imbalkit.k")
    assert lines[0].endswith(".moles_of_a_test, version 29928960")
    assert "camera alone and has no access to the network" in lines[1]
    assert "adb install -r out/moles.apk" in lines[2]
    assert done.stderr == ""
    assert [path.name for path in (here / "out").iterdir()] == ["moles.apk"]
    assert not (here / "mine-app").exists()
    with zipfile.ZipFile(here / "out" / "moles.apk") as archive:
        assert archive.read("assets/page/model/model.tflite") == (here / "mine.tflite").read_bytes()


def test_twice_the_same_bytes_and_an_earlier_one_is_replaced(here):
    imbalkit("app", "mine.tflite", "--apk", "moles.apk", cwd=here)
    first = (here / "moles.apk").read_bytes()
    imbalkit("app", "mine.tflite", "--apk", "moles.apk", cwd=here)
    assert (here / "moles.apk").read_bytes() == first
    (here / "link.apk").symlink_to("moles.apk")
    imbalkit("app", "mine.tflite", "--apk", "link.apk", "--label", "Other", cwd=here)
    assert (here / "link.apk").is_symlink()
    assert (here / "moles.apk").read_bytes() != first


@pytest.mark.slow
def test_every_option_is_in_it(here, pem):
    (here / KEY).unlink()
    other = here / "other.pem"
    other.write_bytes(pem)
    words = [
        "--apk-id",
        "org.example.moles",
        "--label",
        'Käfer 日本 🍄 <&">',
        "--icon",
        "icon.png",
        "--key",
        "other.pem",
    ]
    imbalkit("app", "mine.tflite", "--apk", "x.apk", *words, "--backup-key", "copy.pem", cwd=here)
    assert not (here / KEY).exists()  # another one signed
    assert (here / "copy.pem").read_bytes() == pem
    done = verified(here / "x.apk")
    assert done.returncode == 0, done.stderr
    found = badging(here / "x.apk")
    assert found.startswith(
        "package: name='org.example.moles' versionCode='29928960' versionName='2026-11-27, imbalkit "
    )
    assert "application-label:'Käfer 日本 🍄 <&\\\">'" in found
    with zipfile.ZipFile(here / "x.apk") as archive, zipfile.ZipFile(TEMPLATE) as template:
        pictures = [name for name in template.namelist() if name.endswith(".png")]
        assert all(archive.read(name) != template.read(name) for name in pictures)
        for name in pictures:
            picture = Image.open(io.BytesIO(archive.read(name)))
            assert picture.getpixel((picture.width // 2, picture.height // 2)) == (255, 0, 0, 255)


def test_the_users_key_is_made_and_told_of_once(here):
    (here / KEY).unlink()
    done = imbalkit("app", "mine.tflite", "--apk", "moles.apk", "--backup-key", "usb/copy.pem", cwd=here)
    assert "made the key that signs your apps" in done.stderr
    assert (here / "usb" / "copy.pem").read_bytes() == (here / KEY).read_bytes()
    first = (here / "moles.apk").read_bytes()
    done = imbalkit("app", "mine.tflite", "--apk", "moles.apk", "--key", "usb/copy.pem", cwd=here)
    assert done.stderr == ""
    assert (here / "moles.apk").read_bytes() == first


@pytest.mark.parametrize(
    "words, message",
    [
        (["gone.tflite", "--apk", "a.apk"], "there is no file gone.tflite"),
        (["model.onnx", "--apk", "a.apk"], "the app runs TFLite files, model.onnx is ONNX"),
        (["bare.tflite", "--apk", "a.apk"], "bare.tflite has no card"),
        (["damaged.tflite", "--apk", "a.apk"], "damaged.tflite is damaged: its checksum"),
        (["text.tflite", "--apk", "a.apk"], "text.tflite is not a TFLite file, or it is damaged"),
        (["mine.tflite", "--apk", "a.zip"], "--apk: expected a name that ends in .apk"),
        (["mine.tflite", "--apk", "folder.apk"], "--apk: expected a file to write, folder.apk is a folder"),
        (["mine.tflite", "--apk", "thesis.apk"], "thesis.apk is there and is no earlier APK of `imbalkit app`"),
        (
            ["mine.tflite", "--apk", "thesis.apk/a.apk"],
            "thesis.apk/a.apk cannot be written: thesis.apk is a file and no folder",
        ),
        (["mine.tflite", "--apk", "a.apk", "--apk-id", "moles"], "--apk-id: expected two or more words"),
        (["mine.tflite", "--apk", "a.apk", "--label", " "], "--label: expected the name that a phone shows"),
        (["mine.tflite", "--apk", "a.apk", "--label", "x" * 40_000], "a text of 40,000 characters is too long"),
        (
            ["mine.tflite", "--apk", "a.apk", "--icon", "thesis.apk"],
            "--icon: thesis.apk: not an image that Pillow can read",
        ),
        (["mine.tflite", "--apk", "a.apk", "--icon", "gone.png"], "--icon: gone.png: there is no such file"),
        (["mine.tflite", "--apk", "a.apk", "--key", "gone.pem"], "the key gone.pem cannot be read"),
        (["mine.tflite", "--apk", "a.apk", "--key", "thesis.apk"], "thesis.apk holds no key, or it is damaged"),
        (
            ["mine.tflite", "--apk", "a.apk", "--backup-key", "thesis.apk"],
            "thesis.apk is there already: choose another",
        ),
    ],
)
def test_mistakes_end_with_one_sentence(here, words, message):
    data = (here / "mine.tflite").read_bytes()
    zip_start = data.index(b"PK\x03\x04")
    (here / "model.onnx").write_bytes(b"x")
    (here / "bare.tflite").write_bytes(data[:zip_start])
    (here / "damaged.tflite").write_bytes(data[:16] + b"\xff" * (zip_start - 16) + data[zip_start:])
    (here / "text.tflite").write_text("not a model at all")
    (here / "folder.apk").mkdir()
    (here / "thesis.apk").write_text("years of work")
    assert message in refused(*words, cwd=here)


def test_another_file_at_the_place_of_the_copy_is_refused_before_the_model_is_read(here):
    (here / "thesis.apk").write_text("years of work")
    message = refused("gone.tflite", "--apk", "a.apk", "--backup-key", "thesis.apk", cwd=here)
    assert "thesis.apk is there already: choose another" in message


def test_a_damaged_key_of_the_users_own(here):
    (here / KEY).write_bytes(b"damaged")
    assert "apk-key.pem holds no key, or it is damaged" in refused("mine.tflite", "--apk", "a.apk", cwd=here)


def test_a_full_disk_leaves_the_earlier_one(here, monkeypatch):
    imbalkit("app", "mine.tflite", "--apk", "moles.apk", cwd=here)

    def full(self: Path, data: bytes) -> int:
        self.open("wb").write(data[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    message = refused("mine.tflite", "--apk", "moles.apk", "--label", "Other", cwd=here)
    assert "moles.apk cannot be written: the disk is full" in message


@pytest.mark.skipif(os.name == "nt" or not os.getuid(), reason="root may write everywhere")
def test_a_folder_that_is_closed(here):
    (here / "closed").mkdir(mode=0o500)
    assert "cannot be written: Permission denied" in refused("mine.tflite", "--apk", "closed/a.apk", cwd=here)


@pytest.mark.parametrize(
    "words, message",
    [
        (["--apk", "a.apk", "--serve"], "--out writes a folder, --apk a file, and --serve writes nothing"),
        (["--apk", "a.apk", "--out", "x"], "choose one of them"),
        (["--apk", "a.apk", "--port", "80"], "are about --serve"),
        (["--label", "Moles"], "--apk-id, --label, --icon, --key and --backup-key are about --apk: add that"),
        (["--serve", "--key", "a.pem"], "are about --apk: add that"),
    ],
)
def test_words_that_contradict_each_other(here, words, message):
    before = tree(here)
    done = imbalkit("app", "mine.tflite", *words, cwd=here, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert tree(here) == before


def test_without_cryptography(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    message = refused("mine.tflite", "--apk", "a.apk", cwd=here)
    assert '--apk needs cryptography: pip install "imbalkit[app]"' in message


def test_a_card_of_hostile_names(here):
    with_card(here / "mine.tflite", here / "odd.tflite", replace(CARD, name="a\x1b[2J\n<b>\u202eb"))
    done = imbalkit("app", "odd.tflite", "--apk", "odd.apk", cwd=here)
    assert "'a\\\\x1b[2J <b>\\\\u202eb'" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_no_torch_is_needed(here, stub):
    program = (
        "import sys; import imbalkit_app.page as page; from pathlib import Path\n"
        f"page.find_page = lambda say: Path({str(stub)!r})\n"
        "from imbalkit_app.commands import command\n"
        "command(standalone_mode=False)\n"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules\n"
    )
    words = [sys.executable, "-c", program, "mine.tflite", "--apk", "a.apk"]
    done = subprocess.run(words, cwd=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_real_page_takes_seconds_and_few_megabytes(model, built, pem, tmp_path, monkeypatch):
    monkeypatch.setenv("IMBALKIT_APP_CERTIFICATES", str(tmp_path))
    (tmp_path / "apk-key.pem").write_bytes(pem)
    begin = time.process_time()
    imbalkit("app", model, "--apk", "moles.apk", cwd=tmp_path)
    assert time.process_time() - begin < 20  # 1.5 s of a core
    assert (tmp_path / "moles.apk").stat().st_size - model.stat().st_size < 7_000_000
    done = verified(tmp_path / "moles.apk")
    assert done.returncode == 0, done.stderr
