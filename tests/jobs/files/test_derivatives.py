"""Files that were made of others: listed by role and parent, and gone when their original is."""

from __future__ import annotations

import asyncio

from jobs.files.catalogue import (
    StoredFile,
    find_files,
    find_thumbnails,
    insert_file,
    list_files,
    lock_available,
    mark_gone,
)
from jobs.files.states import GoneReason, Role
from jobs.files.visibility import FileReader, Visibility
from jobs.services import Services
from tests.helpers.catalogue import Catalogue, next_id
from tests.helpers.eventually import eventually


async def listed(
    services: Services,
    reader: FileReader | None = None,
    *,
    search: str | None = None,
    role: Role | None = None,
    parent_id: int | None = None,
) -> list[int]:
    found = await list_files(services.database, reader, search, 0, 100, role=role, parent_id=parent_id)
    return [file.id for file in found]


async def test_lists_choose_by_role_and_parent_whatever_the_reader_and_the_search(
    services: Services, catalogue: Catalogue
) -> None:
    mine = {"owner": "olga", "visibility": Visibility.PRIVATE}
    sea = await catalogue.add(b"1", "sea.jpg", **mine)  # type: ignore[arg-type]
    small = await catalogue.add(b"2", "sea-thumbnail.webp", role=Role.THUMBNAIL, parent_id=sea, **mine)  # type: ignore[arg-type]
    web = await catalogue.add(b"3", "sea-web.webp", role=Role.WEB, parent_id=sea, **mine)  # type: ignore[arg-type]
    hill = await catalogue.add(b"4", "hill.jpg")
    other = await catalogue.add(b"5", "hill-web.webp", role=Role.WEB, parent_id=hill)
    olga, otto = FileReader(owner="olga"), FileReader(owner="otto")
    for reader in (None, olga):
        assert await listed(services, reader) == [sea, small, web, hill, other]
        assert await listed(services, reader, role=Role.ORIGINAL) == [sea, hill]
        assert await listed(services, reader, role=Role.WEB) == [web, other]
        assert await listed(services, reader, parent_id=sea) == [small, web]
        assert await listed(services, reader, role=Role.WEB, parent_id=sea) == [web]
        assert await listed(services, reader, search="SEA-", role=Role.WEB) == [web]
        assert await listed(services, reader, search="web", parent_id=hill) == [other]
    assert await listed(services, otto, role=Role.WEB) == [other]
    assert await listed(services, otto, parent_id=sea) == []


async def test_a_thumbnail_comes_before_a_poster_and_the_newest_one_counts(
    services: Services, catalogue: Catalogue
) -> None:
    film, photo, text = [await catalogue.add(b"x", name) for name in ("a.mp4", "a.jpg", "a.txt")]
    poster = await catalogue.add(b"p", role=Role.POSTER, parent_id=film)
    old = await catalogue.add(b"t", role=Role.THUMBNAIL, parent_id=photo)
    new = await catalogue.add(b"t", role=Role.THUMBNAIL, parent_id=photo)
    await catalogue.add(b"p", role=Role.POSTER, parent_id=photo)
    assert await find_thumbnails(services.database, [film, photo, text]) == {film: poster, photo: new}
    async with services.database.begin() as connection:
        await mark_gone(connection, new, GoneReason.REPLACED)
    assert await find_thumbnails(services.database, [photo]) == {photo: old}


async def test_what_was_made_of_a_file_goes_with_it_and_says_why(services: Services, catalogue: Catalogue) -> None:
    original = await catalogue.add(b"1")
    made = await catalogue.add(b"2", role=Role.WEB, parent_id=original)
    replaced = await catalogue.add(b"3", role=Role.WEB, parent_id=original)
    async with services.database.begin() as connection:
        await mark_gone(connection, replaced, GoneReason.REPLACED)
    async with services.database.begin() as connection:
        await mark_gone(connection, original, GoneReason.DELETED)
        files = await find_files(connection, [original, made, replaced])
    assert [files[one].gone_reason for one in (original, made, replaced)] == ["deleted", "deleted", "replaced"]
    assert not any(file.available for file in files.values())
    assert files[made].gone_at == files[original].gone_at


async def test_a_file_that_is_added_while_its_original_goes_goes_too(services: Services, catalogue: Catalogue) -> None:
    """The deletion waits for the transaction that adds it, and sees what that has added."""
    original = await catalogue.add(b"1")
    async with services.database.begin() as adding:
        assert await lock_available(adding, original)
        made = StoredFile(
            id=await next_id(adding),
            key="processed/x",
            name="x",
            size=1,
            etag=None,
            crc32=None,
            sha256=None,
            content_type="image/webp",
            owner="olga",
            role=Role.WEB,
            parent_id=original,
        )
        await insert_file(adding, made)

        async def delete() -> None:
            async with services.database.begin() as connection:
                await mark_gone(connection, original, GoneReason.DELETED)

        deleting = asyncio.create_task(delete())
        await until_waiting(services)
    await deleting
    async with services.database.begin() as connection:
        assert (await find_files(connection, [made.id]))[made.id].gone_reason == "deleted"
        assert not await lock_available(connection, original)


async def until_waiting(services: Services) -> None:
    """Returns once a transaction waits for the lock of another one."""

    async def waits() -> bool:
        return bool(await services.database.fetch("SELECT FROM pg_locks WHERE NOT granted"))

    await eventually(waits)
