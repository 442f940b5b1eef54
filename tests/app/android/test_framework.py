"""Everything that the app asks of Android is there, on the oldest phone (API 24) and the newest (37), by its full signature."""

from __future__ import annotations

import re

import pytest

from tests.app.android import smali, typings
from tests.app.android.conftest import BAKSMALI, call, need

pytestmark = pytest.mark.slow
OLDEST, NEWEST = 24, 37
# What only newer phones may run. The tests of the code run it as an older phone, too.
NEWER = {
    "Lorg/imbalkit/app/Bars;->pad": 30,
    "Lorg/imbalkit/app/BackInvoked;-><init>": 33,
    "Lorg/imbalkit/app/BackInvoked;->register": 33,
    "Lorg/imbalkit/app/BackInvoked;->onBackInvoked": 33,
}
OVERRIDES = {  # called by Android, from a later level on
    "onRenderProcessGone": 26,
    "onBackInvoked": 33,
}


@pytest.fixture(scope="module")
def api(tools):
    return typings.read(tools / "android.d.ts")


@pytest.fixture(scope="module")
def app(dex, tmp_path_factory):
    need("java")
    if not BAKSMALI.exists():
        pytest.skip("needs baksmali: apt-get install libsmali-java")
    folder = tmp_path_factory.mktemp("smali")
    call("java", "-jar", BAKSMALI, "disassemble", "-o", folder, dex)
    return smali.read(folder)


def is_androids(descriptor: str) -> bool:
    return descriptor.startswith(("Landroid/", "Ljava/", "Ldalvik/"))


def level_of(method: str) -> int:
    return NEWER.get(method.split("(")[0], OLDEST)


def test_every_call_is_in_the_api_and_not_newer_than_the_phone(app, api):
    seen, wrong = 0, []
    for found in app.values():
        for head, body in found.methods.items():
            here = f"{found.name}->{head}"
            for owner, name, descriptor in smali.methods_called(body):
                for origin in smali.resolve(app, owner, name + descriptor):
                    if is_androids(origin):
                        level = typings.since_method(api, typings.dotted(origin), name, descriptor)
                        seen += 1
                    else:
                        level = level_of(f"{origin}->{name}")
                    if (
                        level is None
                        or level > level_of(here)
                        and not smali.is_guarded(body, f"{owner}->{name}", level)
                    ):
                        wrong.append(f"{here} calls {origin}->{name}{descriptor}, of API level {level}")
    assert wrong == []
    assert seen > 150


def test_every_field_and_type_too(app, api):
    seen, wrong = 0, []
    for found in app.values():
        for head, body in found.methods.items():
            levels = levels_of_fields(api, body) | levels_of_types(api, body)
            most = level_of(f"{found.name}->{head}")
            seen += len(levels)
            wrong += [f"{head}: {name}, of {level}" for name, level in levels.items() if level is None or level > most]
    assert wrong == []
    assert seen > 20


def levels_of_fields(api, body: str) -> dict[str, int | None]:
    fields = [(owner, name) for owner, name in smali.fields_used(body) if is_androids(owner)]
    return {f"{owner}.{name}": typings.since_field(api, typings.dotted(owner), name) for owner, name in fields}


def levels_of_types(api, body: str) -> dict[str, int | None]:
    names = [typings.dotted(name) for name in smali.types_named(body) if is_androids(name)]
    return {name: api[name].since if name in api else None for name in names}


def test_what_is_overridden_is_androids_own(app, api, stubs):
    """A method that Android never calls, as its signature is another one, would fail in silence."""
    declared = {(name, *member[:2]) for name, members in read_stubs(stubs).items() for member in members}
    found = {}
    for each in app.values():
        for head in each.methods if each.name.startswith("Lorg/imbalkit/") else ():
            name, descriptor = head[: head.index("(")], head[head.index("(") :]
            origins = [origin for parent in each.parents for origin in smali.resolve(app, parent, head)]
            owners = {above for origin in origins for above in typings.ancestors(api, typings.dotted(origin))}
            if name != "<init>" and any((owner, name, descriptor) in declared for owner in owners):
                levels = {typings.since_method(api, owner, name, descriptor) for owner in owners} - {None}
                assert levels, f"{each.name}->{head} overrides a stub's method, and none of Android's"
                found[name] = min(levels)
    wanted = {
        *(
            "onCreate",
            "onResume",
            "onPause",
            "onDestroy",
            "onBackPressed",
            "onRequestPermissionsResult",
            "onActivityResult",
        ),
        *(
            "shouldInterceptRequest",
            "shouldOverrideUrlLoading",
            "onRenderProcessGone",
            "onBackInvoked",
            "onReceiveValue",
        ),
        *("onPermissionRequest", "onPermissionRequestCanceled", "onShowFileChooser", "onApplyWindowInsets"),
    }
    assert set(found) == wanted
    assert {name: level for name, level in found.items() if level > OLDEST} == OVERRIDES


def test_the_bridge_is_open_to_the_page_and_nothing_else_is(app):
    marked = {
        f"{found.name}->{head}"
        for found in app.values()
        for head, body in found.methods.items()
        if "Landroid/webkit/JavascriptInterface;" in body
    }
    text = "Ljava/lang/String;"
    assert marked == {
        f"Lorg/imbalkit/app/Bridge;->save({text}{text}{text})V",
        "Lorg/imbalkit/app/Bridge;->openSettings()V",
    }


def test_the_check_itself_sees_what_is_wrong(app, api):
    view, string = "android.webkit.WebView", "Ljava/lang/String;"
    assert typings.since_method(api, view, "loadUrl", f"({string})V") == typings.OLDEST
    assert typings.since_method(api, view, "setPadding", "(IIII)V") == typings.OLDEST  # of the class View
    assert typings.since_method(api, view, "getWebViewClient", "()Landroid/webkit/WebViewClient;") == 26
    assert typings.since_method(api, "android.window.OnBackInvokedCallback", "onBackInvoked", "()V") == 33
    for name, descriptor in [
        ("loadUrl", f"({string})Z"),
        ("loadUrl", "(I)V"),
        ("loadUrl", "()V"),
        ("loadURL", f"({string})V"),
    ]:
        assert typings.since_method(api, view, name, descriptor) is None
    assert typings.since_field(api, "android.view.WindowInsets", "CONSUMED") == 30
    assert typings.since_field(api, "android.view.WindowInsets", "NONE") is None
    body = app["Lorg/imbalkit/app/Bars;"].methods
    applied = next(text for head, text in body.items() if head.startswith("onApplyWindowInsets"))
    assert smali.is_guarded(applied, "Lorg/imbalkit/app/Bars;->pad", 30)
    assert not smali.is_guarded(applied, "Lorg/imbalkit/app/Bars;->pad", 31)
    assert not smali.is_guarded(applied, "Landroid/view/WindowInsets;->consumeSystemWindowInsets", 30)  # in the else


# --- the stubs --------------------------------------------------------------------------------------------------------


def read_stubs(stubs) -> dict[str, list[tuple[str, str, str | None]]]:
    """Name, descriptor and constant of each member of the compiled stubs."""
    files = sorted(str(file) for file in stubs.rglob("*.class") if "stand_in" not in file.parts)
    text = call("javap", "-p", "-s", "-constants", *files)
    classes: dict[str, list[tuple[str, str, str | None]]] = {}
    for part in re.split(r"^Compiled from .*\n", text, flags=re.M)[1:]:
        name = re.search(r"(?:class|interface) ([\w.$]+)", part)[1]
        members = re.findall(r"^  (\S.*);\n    descriptor: (\S+)", part, re.M)
        members = [(line, descriptor) for line, descriptor in members if "private" not in line and "{}" not in line]
        classes[name.replace("$", ".")] = [
            (member_name(line, name), descriptor, constant(line)) for line, descriptor in members
        ]
    return classes


def member_name(line: str, owner: str) -> str:
    name = re.sub(r"\(.*| = .*", "", line).split()[-1]
    return "<init>" if name == owner else name


def constant(line: str) -> str | None:
    value = re.search(r" = (.*)$", line)
    return value[1] if value else None


def test_the_stubs_are_as_androids_classes(api, stubs):
    wrong = []
    for owner, members in read_stubs(stubs).items():
        if owner not in api and owner.startswith("android.annotation"):
            continue  # for the compiler alone
        for member, descriptor, value in members:
            if (member, descriptor) == ("<init>", "()V"):
                continue  # javac adds it
            if descriptor.startswith("("):
                right = typings.since_method(api, owner, member, descriptor) is not None
            else:
                literals = [each.type for each in api[owner].members if each.name == member and each.arguments is None]
                right = literals == [value] if value is not None else literals != []
            if not right:
                wrong.append(f"{owner}.{member}{descriptor} {value or ''}")
    assert wrong == []
