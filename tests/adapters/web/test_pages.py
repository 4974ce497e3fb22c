"""The page's HTML and its files."""

import re
import shutil
from pathlib import Path
from urllib.parse import urljoin

import aiohttp

from botcore_web.pages import STATIC, Pages
from tests.adapters.web.core import House, serving


async def test_the_page_gives_its_visitor_a_cookie_and_keeps_it(house: House) -> None:
    async with house.client.get(house.address + "/") as response:
        assert response.content_type == "text/html"
        given = response.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"):
        assert part in given
    assert "Secure" not in given
    cookie = given.partition(";")[0]
    assert re.fullmatch(r"botcore_visitor=[\w-]{22}", cookie)
    async with house.client.get(house.address + "/", headers={"Cookie": cookie}) as response:
        assert response.headers["Set-Cookie"].startswith(cookie + ";")
    async with house.client.get(house.address + "/", headers={"Cookie": "botcore_visitor=mine"}) as response:
        assert "mine" not in response.headers["Set-Cookie"]


async def test_two_visitors_are_two_people(house: House) -> None:
    assert (await house.visitor()).cookie != (await house.visitor()).cookie


async def test_behind_tls_the_cookie_is_secure(house: House) -> None:
    async with house.client.get(house.address + "/", headers={"X-Forwarded-Proto": "https"}) as response:
        assert "Secure" in response.headers["Set-Cookie"]


async def test_every_file_of_the_page_is_there_and_may_be_kept_for_a_year(house: House) -> None:
    async with house.client.get(house.address + "/") as response:
        ahead = [urljoin("/", path) for path in re.findall(r'["\'](/static/[^"\']+)["\']', await response.text())]
    seen = set[str]()
    while ahead:
        path = ahead.pop()
        seen.add(path)
        async with house.client.get(house.address + path) as response:
            assert response.status == 200, path
            assert "immutable" in response.headers["Cache-Control"], path
            imports = re.findall(r'^import .*from "([^"]+)"', await response.text(), re.MULTILINE)
        ahead += {urljoin(path, name) for name in imports} - seen
    assert len(seen) > 40
    assert all(re.match(r"/static/@[0-9a-f]{16}/", path) for path in seen)


async def test_a_page_of_which_a_file_has_changed_is_another_version(tmp_path: Path) -> None:
    shutil.copytree(STATIC, tmp_path / "static")
    pages = Pages(tmp_path / "static")
    before = pages._html("index.html")
    assert pages._html("index.html") == before
    with (tmp_path / "static" / "lib" / "api.js").open("a") as file:
        file.write("// more\n")
    assert pages._html("index.html") != before


async def test_the_operators_page_is_no_visitors() -> None:
    async with serving(key="correct-horse-battery-staple") as house:
        async with house.client.get(house.address + "/admin") as response:
            assert (response.status, response.content_type) == (200, "text/html")  # the form that asks for the key
            assert "Set-Cookie" not in response.headers
            named = re.findall(r'["\'](/static/[^"\']+)["\']', await response.text())
        assert any(re.fullmatch(r"/static/@[0-9a-f]{16}/admin\.js", path) for path in named)


async def test_a_file_without_its_version_is_asked_for_again(house: House) -> None:
    url = house.address + "/static/app.js"
    async with house.client.get(url) as response:
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.content_type == "text/javascript"
        tag = response.headers["ETag"]
    async with house.client.get(url, headers={"If-None-Match": tag}) as response:
        assert (response.status, await response.read()) == (304, b"")
    async with house.client.get(url, headers={"If-None-Match": 'W/"0000000000000000"'}) as response:
        assert response.status == 200


async def test_an_old_version_in_the_address_is_not_kept(house: House) -> None:
    async with house.client.get(house.address + "/static/@0000000000000000/app.js") as response:
        assert (response.status, response.headers["Cache-Control"]) == (200, "no-cache")


async def test_large_files_travel_packed(house: House) -> None:
    url = house.address + "/static/vendor/vendor.js"
    async with house.client.get(url, headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert int(packed.headers["Content-Length"]) < len(await packed.read()) / 2
    async with aiohttp.request("GET", url, headers={"Accept-Encoding": "identity"}) as plain:
        assert "Content-Encoding" not in plain.headers


async def test_however_its_address_is_spelt_a_file_is_packed_once() -> None:
    pages = Pages()
    first = pages._load("lib/api.js")
    assert first
    assert pages._load("lib//api.js") is first
    assert pages._load("./lib/api.js") is first


async def test_the_page_is_there_before_the_bot() -> None:
    async with serving(up=False) as house:
        assert (await house.visitor()).cookie
