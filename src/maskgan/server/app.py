"""The editor as an ASGI application."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from maskgan import __version__
from maskgan.errors import UserError
from maskgan.server.app_state import AppState
from maskgan.server.compression import CompressionMiddleware
from maskgan.server.http_errors import HTTPError
from maskgan.server.inference_service import InferenceService
from maskgan.server.limits import Limits
from maskgan.server.middleware import InternalErrorMiddleware, RequestLogMiddleware
from maskgan.server.page_bundle import PageBundle
from maskgan.server.page_info import ServerInfo
from maskgan.server.routes.general import general_routes
from maskgan.server.routes.moves import move_routes
from maskgan.server.routes.named_edits import named_edit_routes
from maskgan.server.routes.recipes import recipe_routes
from maskgan.server.routes.refinement import refinement_routes
from maskgan.server.routes.rendering import rendering_routes
from maskgan.server.routes.responses import FOREVER
from maskgan.server.routes.sessions import session_routes
from maskgan.server.routes.styles import style_routes
from maskgan.server.security import SecurityMiddleware

PAGE = Path(__file__).parent / "page"

_CLIENT_CLOSED = 499  # nobody reads it; it marks the line in the log


def create_app(
    service: InferenceService,
    info: ServerInfo,
    limits: Limits | None = None,
    names: Iterable[str] | None = None,
    token: str | None = None,
) -> FastAPI:
    """The application.

    Args:
        service: the networks.
        info: what the server reports about itself.
        limits: its bounds.
        names: host names that requests may be sent to; ``None``: any, which only a token makes safe.
        token: what requests must show; ``None``: nothing.
    """
    state = AppState(service, info, limits or Limits())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        await state.start()
        yield
        await state.stop()

    # No pages of documentation: they would load scripts from elsewhere.
    app = FastAPI(title="MaskGAN editor", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.editor = state
    for routes in (
        general_routes,
        session_routes,
        rendering_routes,
        refinement_routes,
        style_routes,
        move_routes,
        named_edit_routes,
        recipe_routes,
    ):
        app.include_router(routes(state))
    _serve_page(app)
    _answer_errors(app)
    app.add_middleware(InternalErrorMiddleware)
    app.add_middleware(CompressionMiddleware)
    app.add_middleware(SecurityMiddleware, names=names, token=token)
    app.add_middleware(RequestLogMiddleware)
    return app


def _serve_page(app: FastAPI) -> None:
    # Some systems' tables of types are wrong about scripts, and with nosniff a wrong type stops the page.
    mimetypes.add_type("text/javascript", ".js")
    mimetypes.add_type("text/javascript", ".mjs")

    bundle = PageBundle(PAGE)

    @app.get("/", include_in_schema=False)
    async def index(request: Request) -> Response:
        """The page; with ``?modules`` the one that loads each file by itself, for work on the page."""
        if "modules" in request.query_params:
            return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})
        current = await asyncio.to_thread(bundle.current)
        return HTMLResponse(current.html, headers={"Cache-Control": "no-cache"})

    @app.get("/page/{name}-{digest}.{suffix}", include_in_schema=False)
    async def asset(request: Request) -> Response:
        """A file of the bundle, under an address with its hash."""
        current = await asyncio.to_thread(bundle.current)
        found = current.assets.get(request.url.path.rpartition("/")[2])
        if found is None:
            raise HTTPException(404)
        headers = {**FOREVER, "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("accept-encoding", "").lower():
            return Response(found.data, media_type=found.media_type, headers=headers)
        return Response(found.packed, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"})

    app.mount("/page", _Revalidated(directory=PAGE))


class _Revalidated(StaticFiles):
    """Static files that the browser asks for again each time, so that an updated package shows at once."""

    def file_response(self, *arguments: object, **named: object) -> Response:
        response = super().file_response(*arguments, **named)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "no-cache"
        return response


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(HTTPError)
    async def refused(_: Request, error: HTTPError) -> Response:
        return _error(error.status, error.message, error.headers)

    @app.exception_handler(UserError)
    async def wrong(_: Request, error: UserError) -> Response:
        return _error(400, str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return _error(400, f"{first['loc'][-1]}: {first['msg'].lower()}")

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        message = {404: "there is nothing here", 405: f"{request.method} is not answered here"}
        return _error(error.status_code, message.get(error.status_code, error.detail), dict(error.headers or {}))

    @app.exception_handler(ClientDisconnect)
    async def left(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=_CLIENT_CLOSED)


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": " ".join(message.split())}, status, headers)
