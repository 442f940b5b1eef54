"""Builds template.apk, the app without page and model, from the Kotlin sources; the same sources and tools give the same bytes.

    python plugins/imbalkit_app/android/fetch.py TOOLS      # dx, once
    python plugins/imbalkit_app/android/build.py TOOLS      # writes template.apk beside this file

No Android SDK: docs/contributing.md has what stands in for it. The template is neither signed nor aligned:
completing it does both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
KOTLIN_LIBRARY = Path("/usr/share/java/kotlin-stdlib.jar")
FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")
PROGRAMS = ("javac", "kotlinc", "proguard", "java", "aapt2")
PACKAGES = "kotlin aapt android-framework-res proguard-cli openjdk-17-jdk-headless"
VERSIONS = {  # with which template.apk was built (Debian 12); others may write other bytes
    "kotlin": "1.3.31",
    "aapt": "1:10.0.0+r36",
    "android-framework-res": "1:10.0.0+r36",
    "proguard-cli": "6.2.2",
}
NO_CHECKS = ("-Xno-param-assertions", "-Xno-call-assertions", "-Xno-receiver-assertions")
LEVELS = ("--min-sdk-version", "24", "--target-sdk-version", "35")
LONG_AGO = (1981, 1, 1, 1, 1, 2)  # the time of every entry, as aapt2 and apksigner have it


class ToolError(Exception):
    """A tool is missing or failed."""


def missing_tools(tools: Path) -> str | None:
    """What of the tools is not there, in words; None where all is."""
    lacking = [program for program in PROGRAMS if shutil.which(program) is None]
    lacking += [str(file) for file in (KOTLIN_LIBRARY, FRAMEWORK) if not file.exists()]
    if lacking:
        return f"{', '.join(lacking)} not found: apt-get install {PACKAGES}"
    if not (tools / "dx.jar").exists():
        return f"{tools / 'dx.jar'} not found: python {HERE / 'fetch.py'} {tools}"
    return None


def other_versions() -> str | None:
    """Debian's packages of another version than those of the committed template, in words; None where all are the same."""
    lines = call("dpkg-query", "-W", "-f", r"${Package} ${Version}\n", *VERSIONS).splitlines()
    others = [line for line in lines if not line.split()[1].startswith(VERSIONS[line.split()[0]])]
    return ", ".join(others) or None


def build(tools: Path, out: Path) -> None:
    """Writes the template to `out`. `tools` holds dx.jar.

    Raises:
        ToolError: a tool is missing or failed.
    """
    lack = missing_tools(tools)
    if lack:
        raise ToolError(lack)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        stubs = compile_stubs(work / "stubs")
        dex = make_dex(tools / "dx.jar", shrink(compile_kotlin(stubs, work / "classes"), stubs, work), work)
        pack(link(work), dex, out)


def call(*command: str | Path) -> str:
    """Runs a tool in the C locale and gives what it wrote. Raises ToolError with the end of that where it failed."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment)
    if done.returncode:
        raise ToolError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout + done.stderr


def compile_stubs(out: Path) -> Path:
    """The classes that stand in for android.jar."""
    sources = sorted((HERE / "stubs").rglob("*.java"))
    call("javac", "--release", "8", "-nowarn", "-Xlint:-options", "-d", out, *sources)
    return out


def compile_kotlin(stubs: Path, out: Path) -> Path:
    """Classes of Java 6, which dx 1.11 reads; without Kotlin's checks for null at every call, which need more of its library."""
    sources = sorted((HERE / "kotlin").rglob("*.kt"))
    call("kotlinc", "-nowarn", "-jvm-target", "1.6", "-no-reflect", *NO_CHECKS, "-cp", stubs, "-d", out, *sources)
    shutil.rmtree(out / "META-INF", ignore_errors=True)
    return out


def shrink(classes: Path, stubs: Path, work: Path) -> Path:
    """Adds what is used of Kotlin's library, and nothing else; names stay as they are."""
    out = work / "app.jar"
    library = f"{KOTLIN_LIBRARY}(!META-INF/**,!**.kotlin_builtins,!**.kotlin_metadata)"
    call(
        *("proguard", "-injars", classes, "-injars", library, "-outjars", out),
        *(
            "-libraryjars",
            stubs,
            "-libraryjars",
            java8(work / "java8"),
            "-include",
            HERE / "proguard.txt",
            "-target",
            "1.6",
        ),
    )
    return out


def java8(out: Path) -> Path:
    """Signatures of Java 8's own classes, from the JDK's ct.sym: ProGuard 6 reads no newer ones."""
    settings = call("java", "-XshowSettings:properties", "-version").splitlines()
    home = next(line.split("= ")[1] for line in settings if "java.home" in line)
    with zipfile.ZipFile(Path(home, "lib", "ct.sym")) as symbols:
        for name in symbols.namelist():
            releases, _, rest = name.partition("/")
            rest = rest.removeprefix("java.base/")
            if "8" in releases and rest.startswith("java/") and rest.endswith(".sig"):
                path = (out / rest).with_suffix(".class")
                path.parent.mkdir(parents=True, exist_ok=True)
                data = symbols.read(name)
                path.write_bytes(data[:6] + b"\0\x34" + data[8:])  # called version 52, Java 8's
    return out


def make_dex(dx: Path, jar: Path, work: Path) -> Path:
    """Dalvik's code of the classes."""
    out = work / "classes.dex"
    call("java", "-cp", dx, "com.android.dx.command.Main", "--dex", f"--output={out}", jar)
    return out


def link(work: Path) -> Path:
    """Manifest and resources in Android's binary form. PNG files stay as they are."""
    call("aapt2", "compile", "--no-crunch", "--dir", HERE / "res", "-o", work / "res.zip")
    out = work / "resources.apk"
    call(
        "aapt2",
        "link",
        "-o",
        out,
        "--manifest",
        HERE / "AndroidManifest.xml",
        "-I",
        FRAMEWORK,
        *LEVELS,
        work / "res.zip",
    )
    return out


def pack(resources: Path, dex: Path, out: Path) -> None:
    """All of it in one ZIP, stored: no two zlibs compress alike, and completing the app compresses what may be."""
    with zipfile.ZipFile(resources) as linked:
        content = {name: linked.read(name) for name in linked.namelist()}
    content["classes.dex"] = dex.read_bytes()
    part = out.with_name(f"{out.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(content):
            archive.writestr(zipfile.ZipInfo(name, LONG_AGO), content[name])
    part.replace(out)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        build(Path(sys.argv[1]), HERE / "template.apk")
    except ToolError as error:
        sys.exit(str(error))
