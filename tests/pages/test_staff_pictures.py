import asyncio

import pytest

from omnisync import db
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.pages.staff_pictures import file_of
from tests.pages.staff_site import opened

PIXEL = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def folder(tmp_path):
    """Pictures, and beside them what is nobody's business."""
    inside = tmp_path / "pictures"
    (inside / "lamps").mkdir(parents=True)
    (inside / "lamps" / "desk lamp.PNG").write_bytes(PIXEL)
    (tmp_path / "omnisync.key").write_text("secret")
    (tmp_path / "key.png").write_text("secret")
    (inside / "out.png").symlink_to(tmp_path / "key.png")
    (inside / "notes.txt").write_text("secret")
    return inside


def shown(engine, clock, folder, image, path=None):
    """The list with a lamp of that image, and what a browser gets for the path (before and after its login)."""

    async def run():
        async with opened(engine, clock, pictures=str(folder)) as site:
            with db.transaction(engine) as session:
                articles.put(session, [ArticleChange("LAMP", {"image": image})], now=clock.now())
            await site.place(("LAMP", 1))
            wanted = path or f"/staff/pictures/{image}"
            before = await site.get(wanted)
            await site.log_in()
            return (await site.get("/staff")).text, before, await site.get(wanted)

    return asyncio.run(run())


def test_an_article_is_shown_with_its_picture_to_who_may_see_the_desk(engine, clock, folder):
    page, before, picture = shown(engine, clock, folder, "lamps/desk lamp.PNG")

    assert '<img src="/staff/pictures/lamps/desk%20lamp.PNG" alt=""' in page
    assert before.headers["location"] == "/staff/login"
    assert (picture.status_code, picture.content, picture.headers["content-type"]) == (200, PIXEL, "image/png")
    assert picture.headers["cache-control"].startswith("private")


@pytest.mark.parametrize(
    "image", ["https://cdn.example/lamp.png", "//cdn.example/lamp.png", "../key.png", "lamp.svg", ""]
)
def test_what_is_no_file_of_ours_is_no_picture(engine, clock, folder, image):
    page, _, _ = shown(engine, clock, folder, image, path="/staff")

    assert "<img" not in page


@pytest.mark.parametrize(
    "name", ["../key.png", "lamps/../../key.png", "/etc/hostname.png", "out.png", "notes.txt", "lamps", "", "none.png"]
)
def test_nothing_outside_of_the_folder_is_handed_out(folder, name):
    assert file_of(str(folder), name) is None
    assert file_of("", "lamps/desk lamp.PNG") is None
    assert file_of(str(folder), "lamps/desk lamp.PNG") is not None


def test_without_a_folder_there_are_no_pictures(engine, clock):
    page, _, picture = shown(engine, clock, "", "lamps/desk lamp.PNG")

    assert "<img" not in page
    assert picture.status_code == 404
