"""Names of files in a bundle and of the bundle itself: unsafe names are made safe, equal names are made unique.

The rules are those of the strictest system that may unpack a bundle: Windows ("Naming Files, Paths, and Namespaces" in
Microsoft's Win32 documentation) for characters and device names, ext4 for the 255 bytes per component.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from unicodedata import normalize

from idna import valid_contextj

MAX_COMPONENT = 255
"""Bytes of UTF-8 in one component of a name."""
MAX_NAME = 1024
"""Bytes of UTF-8 in a whole name."""
MAX_EXTENSION = 32
"""Bytes of the longest suffix that is kept as an extension when a name is shortened."""
FALLBACK = "file"
"""The name to use when nothing is left of a name."""

# Soft hyphen, Arabic letter mark, zero-width characters except the joiners, bidi controls, invisible operators, byte order
# mark; the Mongolian vowel separator unless it stands between a letter and the vowel that it separates.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
    "|(?<![\u1820-\u1878\u1885-\u18aa\u180b-\u180d\u180f])\u180e|\u180e(?![\u1820\u1821])"
)
# Extended_Pictographic of emoji-data.txt, in whole blocks, and what may follow one within an emoji (UTS 51): variation
# selector, skin tone, tags.
_PICTOGRAPH = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d"
    "\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"
)
_MODIFIERS = "[\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
_JOINER = re.compile(f"(?P<emoji>{_PICTOGRAPH}{_MODIFIERS}\u200d(?={_PICTOGRAPH}))|[\u200c\u200d]")
_JOINERS = re.compile("[\u200c\u200d]")
_JOINER_CONTEXT = 16
"""Characters on each side of a joiner that decide whether it is needed."""
# C0, DEL, C1, line and paragraph separators, surrogates, and what Windows forbids.
_FORBIDDEN = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff<>:"|?*]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|$)", re.IGNORECASE)


def safe_name(name: str) -> str:
    """A relative name with `/` between its components that can be unpacked safely on any system.

    Folders are kept (`photos/a.jpg`); `..`, absolute paths and drives are removed. The function is idempotent.
    """
    visible = _without_invisible(name).replace("\\", "/")
    parts = (_FORBIDDEN.sub("_", part).rstrip(" .") for part in visible.split("/"))
    return _fit([_avoid_device_name(_cut(part)) for part in parts if part]) or FALLBACK


def _without_invisible(name: str) -> str:
    """The name in NFC without characters that cannot be seen.

    The zero-width joiner and non-joiner stay where they change what is seen: in words of scripts that need them, and
    between the pictographs of an emoji.
    """
    if name.isascii():
        return name
    while True:  # what is left out brings others next to each other
        text = normalize("NFC", _INVISIBLE.sub("", name))
        text = _JOINER.sub(lambda found: found[0] if found["emoji"] or _joins_letters(found) else "", text)
        if text == name:
            return text
        name = text


def _joins_letters(joiner: re.Match[str]) -> bool:
    """True if a joiner is allowed between the letters around it (RFC 5892, appendices A.1 and A.2)."""
    start = max(0, joiner.start() - _JOINER_CONTEXT)
    context = joiner.string[start : joiner.end() + _JOINER_CONTEXT]
    try:
        return valid_contextj(context, joiner.start() - start)
    except ValueError:  # it is next to a character that is unassigned or a control
        return False


def safe_archive_name(name: str) -> str:
    """A single component that ends in `.zip`: the file name under which a browser saves the bundle."""
    component = safe_name(re.sub(r"[/\\]", "_", name))
    stem, suffix = (component[:-4], component[-4:]) if component.lower().endswith(".zip") else (component, ".zip")
    return _avoid_device_name((_cut_bytes(stem, MAX_COMPONENT - len(suffix)) or FALLBACK) + suffix)


def shorten(component: str, size: int = MAX_COMPONENT) -> str:
    """The component in at most `size` bytes of UTF-8: its stem is cut between characters, its extension is kept."""
    return component if len(component.encode()) <= size else add_to_stem(component, "", size)


def add_to_stem(component: str, text: str, size: int = MAX_COMPONENT) -> str:
    """`a.pdf` and ` (2)` → `a (2).pdf`, shortened like `shorten` does."""
    stem, extension = _split_extension(component)
    tail = text + extension
    return _cut_bytes(stem, max(0, size - len(tail.encode()))) + tail


def unique_names(names: Sequence[str], reserved: Collection[str] = ("manifest.json",)) -> list[str]:
    """The names in their order; none is equal to another, to a folder of another, or to a reserved name.

    Expects results of `safe_name` and keeps within its limits. Names are compared as Windows and macOS do, ignoring
    case. The first of several equal names stays, the others become `a (2).pdf`, `a (3).pdf`, …. A name that is also a
    folder of another name is changed, even if it is the first. So is a folder with a reserved name.
    """
    reserved_keys = frozenset(map(_key, reserved))
    allowed = [_rename_reserved_folder(name, reserved_keys) for name in names]
    return list(_Deduplicator(allowed, reserved_keys).unique())


class _Deduplicator:
    """Makes names unique. Numbers are not tried twice, so equal names cost no more than others.

    A new name stays in its folder or moves to the root; it never adds a folder.
    """

    def __init__(self, names: Sequence[str], reserved: frozenset[str]) -> None:
        self._names = names
        self._keys = [_key(name) for name in names]
        self._sorted = sorted(self._keys)
        self._used = set(reserved)
        self._taken = reserved.union(self._keys)
        self._numbered: set[str] = set()
        self._next_number: dict[str, int] = {}

    def unique(self) -> Iterator[str]:
        for name, key in zip(self._names, self._keys, strict=True):
            if key in self._used or self._is_folder(key):
                yield self._with_free_number(name)
            else:
                self._used.add(key)
                yield name

    def _with_free_number(self, name: str) -> str:
        # Long names that differ only in the part that is cut off compete for the same numbers, so they share a counter.
        counter = _key(_with_number(name, 2))
        number = self._next_number.get(counter, 2)
        while not self._is_unused(key := _key(candidate := _with_number(name, number))):
            number += 1
        self._next_number[counter] = number + 1
        self._numbered.add(key)
        return candidate

    def _is_unused(self, key: str) -> bool:
        return key not in self._taken and key not in self._numbered and not self._is_folder(key)

    def _is_folder(self, key: str) -> bool:
        folder = key + "/"
        at = bisect_left(self._sorted, folder)
        return at < len(self._sorted) and self._sorted[at].startswith(folder)


def _key(name: str) -> str:
    """Equal for names that Windows or macOS treat as equal (Unicode 3.13, D145: canonical caseless match).

    HFS+ ignores joiners, and so may people.
    """
    return normalize("NFC", normalize("NFD", _JOINERS.sub("", name)).casefold())


def _rename_reserved_folder(name: str, reserved: frozenset[str]) -> str:
    """The name, with a folder that has a reserved name renamed: a file and a folder cannot have the same name."""
    key = _key(name)
    for file in reserved:
        if key.startswith(file + "/"):
            depth = file.count("/") + 1
            parts = name.split("/")
            folder = _with_number("/".join(parts[:depth]), 2)
            return _rename_reserved_folder(_fit([*folder.split("/"), *parts[depth:]]), reserved)
    return name


def _with_number(name: str, number: int) -> str:
    """`x/a.pdf` → `x/a (2).pdf`, or `a (2).pdf` if the whole name would be too long."""
    folder, slash, last = name.rpartition("/")
    numbered = add_to_stem(last, f" ({number})")
    whole = folder + slash + numbered
    return whole if len(whole.encode()) <= MAX_NAME else numbered


def _fit(parts: list[str]) -> str:
    """The last components that fit into `MAX_NAME` together."""
    size, first = -1, len(parts)
    while first and (size := size + 1 + len(parts[first - 1].encode())) <= MAX_NAME:
        first -= 1
    return "/".join(parts[first:])


def _avoid_device_name(part: str) -> str:
    """Windows opens a device for `con`, `NUL.txt` and `aux .log`, in any folder."""
    return _cut(f"_{part}") if _DEVICE.match(part) else part


def _cut(part: str) -> str:
    """A component shortened to `MAX_COMPONENT`; its extension is kept."""
    if len(part.encode()) <= MAX_COMPONENT:
        return part
    return add_to_stem(part, "").rstrip(" .")


def _split_extension(part: str) -> tuple[str, str]:
    """`a.tar.gz` → `a.tar`, `.gz`. Neither `.profile` nor a name with a long text after its last dot has an extension."""
    stem, dot, extension = part.rpartition(".")
    if not stem.strip(".") or len(extension.encode()) > MAX_EXTENSION:
        return part, ""
    return stem, dot + extension


def _cut_bytes(text: str, size: int) -> str:
    """The longest prefix of `text` that has at most `size` bytes, cut between characters; no joiner is left at the cut."""
    return _without_invisible(text.encode()[:size].decode(errors="ignore"))
