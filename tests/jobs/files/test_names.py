"""Names: unsafe names are made safe, equal names are made unique."""

from __future__ import annotations

import time
import zipfile
from email.message import Message
from pathlib import Path, PurePosixPath, PureWindowsPath
from unicodedata import category, is_normalized, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.files.names import safe_archive_name, safe_name, unique_names
from jobs.storage.content_disposition import content_disposition

HOSTILE = [
    "..",
    ".",
    "/",
    "\\",
    ":",
    "con",
    "NUL",
    "com¹",
    ".txt",
    " ",
    "\0",
    "\n",
    "\u202e",
    "\u200b",
    "\ud800",
    "é",
    "e\u0301",
    "\u200c",
    "\u200d",
    "\u0645",
    "\u064b",
    "\u0915",
    "\u094d",
    "\u0301",
    "\U0001f469",
    "\ufe0f",
    "\u1820",
    "\u180e",
]
hostile_names = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.lists(st.sampled_from([*HOSTILE, "a", "B", "manifest.json", "x" * 250, "ß" * 130]), max_size=12).map("".join),
)
few_names = st.sampled_from(
    ["a", "A", "a/b", "a/b/c", "a (2)", "a (2)/b", "manifest.json", "Manifest.json/x", "é.pdf", "E\u0301.PDF"]
)


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("photos/a.jpg", "photos/a.jpg"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Windows\\system32\\a.dll", "C_/Windows/system32/a.dll"),
        ("\\\\server\\share\\a", "server/share/a"),
        ("a/./b//c/../d", "a/b/c/d"),
        ("file.txt:stream", "file.txt_stream"),
        ("a\0b\r\nc\x7f\x85\u2028d", "a_b__c___d"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\u200bb\u200f\ufeff\u2066\u061c", "ab"),
        ("in\u200dvoi\u200cce\u180e.pdf", "invoice.pdf"),
        ("\u0645\u200c.pdf", "\u0645.pdf"),
        ("\u0645\u200c\u200c\u0645", "\u0645\u0645"),
        ("\u0645\u200f\u200c\u202e\u0645", "\u0645\u200c\u0645"),
        ("\u3072\u200d\u3068", "\u3072\u3068"),
        ("\U0001f1e9\u200d\U0001f1ea", "\U0001f1e9\U0001f1ea"),
        ("\U0001f469\u200d.png", "\U0001f469.png"),
        (".\u200b./x", "x"),
        ("cafe\u0301", "caf\u00e9"),
        ("a\ud800", "a_"),
        ('<>:"|?*', "_______"),
        ("a. . /b...", "a/b"),
        ("...", "file"),
        ("", "file"),
        ("con", "_con"),
        ("x/NUL.tar.gz", "x/_NUL.tar.gz"),
        ("aux .log", "_aux .log"),
        ("Com¹", "_Com¹"),
        ("lpt0", "_lpt0"),
        ("console", "console"),
        (".profile", ".profile"),
    ],
)
def test_an_unsafe_name_is_made_safe(given_name: str, safe: str) -> None:
    assert safe_name(given_name) == safe


@pytest.mark.parametrize(
    "name",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.pdf",  # Persian: I want
        "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc \u06f2.pdf",  # Persian: a letter 2
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3 \u0dbd\u0d82\u0d9a\u0dcf.txt",  # Sinhala: Sri Lanka
        "\u0915\u094d\u200d\u0937.txt",  # Hindi: a half form
        "\u0915\u094d\u200c\u0937.txt",  # Hindi: a visible virama
        "\u0d05\u0d35\u0d28\u0d4d\u200d.txt",  # Malayalam: a chillu at the end of a word
        "\u182e\u1823\u1829\u182d\u1823\u182f\u180e\u1820.txt",  # Mongolian
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466.jpg",  # a family
        "\U0001f469\U0001f3fd\u200d\u2764\ufe0f\u200d\U0001f48b\u200d\U0001f468\U0001f3ff.jpg",  # a kiss
        "\U0001f3f3\ufe0f\u200d\U0001f308.jpg",  # a rainbow flag
        "\U0001f3f4\u200d\u2620\ufe0f.jpg",  # a pirate flag
    ],
)
def test_joiners_stay_where_they_change_what_is_seen(name: str) -> None:
    assert safe_name(name) == name
    assert unique_names([name]) == [name]
    assert safe_archive_name(f"{name}.zip") == f"{name}.zip"


def test_a_joiner_does_not_stay_at_a_cut() -> None:
    assert safe_name("\u0645\u200c" * 60) == "\u0645\u200c" * 50 + "\u0645"
    assert safe_name("\U0001f469\u200d" * 40 + ".jpg") == "\U0001f469\u200d" * 35 + "\U0001f469.jpg"


def test_names_that_differ_only_in_joiners_are_equal() -> None:
    assert unique_names(["\u0645\u200c\u0645", "\u0645\u0645"]) == ["\u0645\u200c\u0645", "\u0645\u0645 (2)"]


def test_a_long_component_is_cut_between_characters_and_keeps_its_extension() -> None:
    assert safe_name("ä" * 200 + ".pdf") == "ä" * 125 + ".pdf"
    assert safe_name("a" * 300) == "a" * 255
    assert safe_name("a." + "b" * 300) == "a." + "b" * 253
    assert safe_name("a" * 254 + " bcd") == "a" * 254


def test_a_long_name_keeps_its_last_components() -> None:
    parts = [letter * 250 for letter in "abcdef"]
    assert safe_name("/".join(parts)) == "/".join(parts[2:])


@given(hostile_names)
def test_a_safe_name_stays_in_its_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe_name(safe) == safe
    assert is_normalized("NFC", safe)
    assert 0 < len(safe.encode()) <= 1024
    parts = safe.split("/")
    assert all(part.strip(" .") and part == part.rstrip(" .") and len(part.encode()) <= 255 for part in parts)
    assert not any(category(char) in {"Cc", "Cs"} or char in '<>:"|?*\\\u200b\ufeff' for char in safe)
    assert not any(char in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" for char in safe)
    assert not PurePosixPath(safe).is_absolute()
    assert not PureWindowsPath(safe).drive
    assert not PureWindowsPath(safe).root


@given(hostile_names)
def test_an_archive_name_is_one_safe_component_that_ends_in_zip(name: str) -> None:
    safe = safe_archive_name(name)
    assert "/" not in safe
    assert safe.lower().endswith(".zip")
    assert len(safe.encode()) <= 255
    assert safe_name(safe) == safe
    assert safe_archive_name(safe) == safe


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("a", "a.zip"),
        ("a.ZIP", "a.ZIP"),
        ("../x/y", ".._x_y.zip"),
        ("", "file.zip"),
        (".zip", "file.zip"),
        ("nul.zip", "_nul.zip"),
        ("con" + " " * 250 + "x", "_con" + " " * 247 + ".zip"),
    ],
)
def test_an_archive_name_by_example(given_name: str, safe: str) -> None:
    assert safe_archive_name(given_name) == safe


@pytest.mark.parametrize(
    ("names", "unique"),
    [
        (["a.pdf", "a.pdf", "a.pdf"], ["a.pdf", "a (2).pdf", "a (3).pdf"]),
        (["x/a", "x/a", "y/a"], ["x/a", "x/a (2)", "y/a"]),
        (["a.PDF", "A.pdf"], ["a.PDF", "A (2).pdf"]),
        (["Straße", "STRASSE"], ["Straße", "STRASSE (2)"]),
        (["a", "a", "a (2)"], ["a", "a (3)", "a (2)"]),
        (["a", "a/b"], ["a (2)", "a/b"]),
        (["A/b", "a", "a"], ["A/b", "a (2)", "a (3)"]),
        (["a", "a/b", "a/b", "a (2)/c"], ["a (3)", "a/b", "a/b (2)", "a (2)/c"]),
        (["Manifest.JSON"], ["Manifest (2).JSON"]),
        (["manifest.json", "manifest.json"], ["manifest (2).json", "manifest (3).json"]),
        (["x/manifest.json"], ["x/manifest.json"]),
        (["manifest.json/a", "manifest (2).json"], ["manifest (2).json/a", "manifest (2) (2).json"]),
        ([".profile", ".profile"], [".profile", ".profile (2)"]),
    ],
)
def test_equal_names_are_numbered(names: list[str], unique: list[str]) -> None:
    assert unique_names(names) == unique


@given(st.lists(st.one_of(few_names, hostile_names), max_size=25))
def test_unique_names_are_unique_to_windows_and_macos(names: list[str]) -> None:
    safe = [safe_name(name) for name in names]
    unique = unique_names(safe)
    keys = [normalize("NFC", name).casefold() for name in unique]
    assert len(unique) == len(names)
    assert len({*keys, "manifest.json"}) == len(names) + 1
    folders = {key[:at] for key in keys for at, char in enumerate(key) if char == "/"}
    assert not folders & {*keys, "manifest.json"}
    assert [safe_name(name) for name in unique] == unique


@given(st.lists(st.sampled_from(["a", "b", "c/d", "c/d.e"]), max_size=8))
def test_unique_names_are_unchanged(names: list[str]) -> None:
    distinct = list(dict.fromkeys(names))
    assert unique_names(distinct) == distinct


@pytest.mark.parametrize("name", ["a.pdf", "x" * 251 + ".pdf", "/".join(["a"] * 512), "/".join(["b" * 254] * 4) + "/ä"])
def test_a_thousand_equal_names_take_no_quadratic_time_and_stay_in_the_limits(name: str) -> None:
    started = time.perf_counter()
    unique = unique_names([safe_name(name)] * 1000)
    assert time.perf_counter() - started < 1
    assert len(set(unique)) == 1000
    assert all(safe_name(one) == one for one in unique)


def test_long_names_that_differ_only_at_their_end_take_no_quadratic_time() -> None:
    names = [f"{'x' * 247}{number:08d}" for number in range(2000)] * 2
    started = time.perf_counter()
    assert len(set(unique_names(names))) == 4000
    assert time.perf_counter() - started < 1


def test_long_names_that_are_equal_only_once_cut_stay_different() -> None:
    names = ["x" * 250 + "a"] * 12 + ["x" * 250 + "b"] * 12
    assert len(set(unique_names(names))) == 24


def test_unpacking_safe_names_writes_nothing_outside(tmp_path: Path) -> None:
    names = unique_names(
        [safe_name(name) for name in ["../up", "/root", "a/../../b", "C:\\c", "..\\d", "a", "a/b", "~/e", "\\\\h\\i"]]
    )
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, name)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "out")
    assert all((tmp_path / "out" / name).read_text() == name for name in names)
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "out"}


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("a b.zip", 'attachment; filename="a b.zip"'),
        ("Übersicht.zip", "attachment; filename=\"Ubersicht.zip\"; filename*=UTF-8''%C3%9Cbersicht.zip"),
        ("日本.zip", "attachment; filename=\"__.zip\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.zip"),
        ("100%.zip", "attachment; filename=\"100_.zip\"; filename*=UTF-8''100%25.zip"),
        ('a";\r\nb.zip', 'attachment; filename="a_;__b.zip"'),
    ],
)
def test_content_disposition(filename: str, header: str) -> None:
    assert content_disposition(filename) == header


@given(hostile_names)
def test_content_disposition_is_read_back_by_a_parser(name: str) -> None:
    filename = safe_archive_name(name)
    header = content_disposition(filename)
    assert header.isascii()
    assert header.isprintable()
    message = Message()
    message["Content-Disposition"] = header
    assert "filename*" in header or message.get_filename() == filename.strip()
