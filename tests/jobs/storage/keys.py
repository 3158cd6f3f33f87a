"""Keys that stores have had trouble with."""

from __future__ import annotations

TYPE = "application/octet-stream"


KEYS = [
    "plain.zip",
    "with space and  two",
    "a+b",
    "a#b",
    "a%b",
    "a%20b%2Fc",
    "a?b=c&d",
    "ünïcödé/é/日本語 😀.pdf",
    "e\u0301 decomposed",
    "*[x]~^|{y}",
    "'q\"q' <tag>&amp;",
    ":;=@,!$()",
    "...three dots",
]
