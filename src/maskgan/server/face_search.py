"""Looking for a face in a photograph, without standing in anybody's way."""

from __future__ import annotations

import asyncio
from functools import partial

from maskgan.editing.framing import Frame, find_frame
from maskgan.images import Picture
from maskgan.labels import LabelMap
from maskgan.server.app_state import AppState


async def search_face(state: AppState, picture: Picture) -> Frame | None:
    """The frame of the largest face in H x W x 3 uint8, or ``None``; cancelling ends the search.

    A search parses many times, which takes seconds: each parse waits in the queue by itself, so that other people's
    renders come in between.
    """
    loop = asyncio.get_running_loop()
    given_up = False

    def parse(square: Picture) -> LabelMap:
        if given_up:
            raise asyncio.CancelledError
        turn = state.queue.call(partial(state.service.parser, square), low_priority=True)
        return asyncio.run_coroutine_threadsafe(turn, loop).result().result

    try:
        return await asyncio.to_thread(find_frame, picture, parse)
    finally:
        given_up = True
