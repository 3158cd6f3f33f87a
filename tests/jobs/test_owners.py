"""Names of owners: those of users, and those of issuers."""

from __future__ import annotations

import pytest

from jobs.owners import is_user_name, issuer_name


@pytest.mark.parametrize("name", ["anna", "Jörg Ü", "a" * 255, "anna@example.com", "app:portal"])
def test_names_of_users(name: str) -> None:
    assert is_user_name(name)


@pytest.mark.parametrize(
    "name", ["", " ", " a", "a ", "a" * 256, "a\n", "a\u00adb", "id.example|7", "anonymous", "purged"]
)
def test_no_names_of_users(name: str) -> None:
    assert not is_user_name(name)


def test_names_of_issuers() -> None:
    assert issuer_name("https://id.example/realms/a/") == "id.example/realms/a"
    assert issuer_name("portal") == "portal"
