"""Which addresses there are, and who answers. The addresses are data: registering them loads no HTTP library."""

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from botcore import Registry
from botcore_web.desk import Desk

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["Routes"]

Handler = Callable[["web.Request"], Awaitable["web.StreamResponse"]]
Address = tuple[str, str]

# The pages and their files are public: the form that asks for the key is in them.
PUBLIC: tuple[Address, ...] = (
    ("GET", "/"),
    ("GET", "/admin"),
    ("GET", "/static/@{version}/{path:.+}"),
    ("GET", "/static/{path:.+}"),
)
ONE = "/api/conversations/{id}"
PAGE: tuple[Address, ...] = (
    ("GET", "/api/status"),
    ("GET", "/api/conversations"),
    ("GET", ONE),
    ("DELETE", ONE),
    ("POST", f"{ONE}/messages"),
    ("POST", f"{ONE}/stop"),
    ("GET", f"{ONE}/events"),
    ("POST", "/api/feedback"),
)
UPLOAD: Address = ("POST", f"{ONE}/files")
FILES: tuple[Address, ...] = (UPLOAD, ("DELETE", f"{ONE}/files/{{file}}"))
OPENAI: tuple[Address, ...] = (("GET", "/v1/models"), ("GET", "/v1/models/{id}"), ("POST", "/v1/chat/completions"))


class Routes:
    """The channel's handlers, made when the first request comes."""

    def __init__(self, desk: Desk, registry: Registry) -> None:
        self._desk = desk
        self._registry = registry

    def register(self) -> None:
        """Put every address on the port."""
        for address in PUBLIC:
            self._put(address, "public")
        for address in (*PAGE, *FILES, *OPENAI):
            self._put(address, "user")

    def _put(self, address: Address, access: Literal["public", "user"]) -> None:
        async def answer(request: "web.Request") -> "web.StreamResponse":
            return await self.handlers[address](request)

        method, path = address
        self._registry.route(method, path, answer, access=access, stream=address == UPLOAD)

    @cached_property
    def handlers(self) -> dict[Address, Handler]:
        """Who answers at each address."""
        from botcore_web.edge import answering
        from botcore_web.file_api import FileApi
        from botcore_web.openai_api import OpenAiApi
        from botcore_web.openai_chunks import error_json
        from botcore_web.page_api import PageApi, page_error
        from botcore_web.pages import Pages

        pages, page, openai = Pages(), PageApi(self._desk, lambda: self._registry.commands), OpenAiApi(self._desk)
        files = FileApi(self._desk)
        by_page = (
            page.status,
            page.conversations,
            page.conversation,
            page.delete,
            page.send,
            page.stop,
            page.events,
            page.feedback,
        )
        return {
            **dict(zip(PUBLIC, (pages.index, pages.admin, pages.static, pages.static), strict=True)),
            **{address: answering(one, page_error) for address, one in zip(PAGE, by_page, strict=True)},
            **{
                address: answering(one, page_error)
                for address, one in zip(FILES, (files.upload, files.remove), strict=True)
            },
            **{
                address: answering(one, error_json)
                for address, one in zip(OPENAI, (openai.models, openai.model, openai.complete), strict=True)
            },
        }
