"""The sessions of a server: bounded in number, memory and age; the least recently used gives way."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from maskgan.editing.face_model import FaceModel
from maskgan.editing.pipeline import StyleReference
from maskgan.labels import LabelMap
from maskgan.server.faces import Face
from maskgan.server.http_errors import HTTPError
from maskgan.server.inference_service import RenderCache
from maskgan.server.limits import Limits
from maskgan.server.refinement_jobs import RefinementJob


@dataclass
class Session:
    """One face that one page edits; the drawing itself stays in the page."""

    face: Face
    edited: LabelMap  # the mask that a reopened project begins with; the own mask otherwise
    style: StyleReference | None = None
    refinement: RefinementJob | None = None
    cache: RenderCache = field(default_factory=RenderCache)
    # Unguessable: knowing it is what gives access to the face.
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    used: float = 0.0

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        own = 0 if self.edited is self.face.label_map else self.edited.nbytes
        style = 0 if self.style is None else self.style.nbytes
        # Counted from the beginning, for it comes with the first render: a mask and two maps of its region, the
        # network's picture, and three float32 planes of that picture's size, of the hole and the moving face.
        generated = self.face.model.generated_bytes
        cache = 3 * self.face.label_map.nbytes + 2 * generated
        refined = 0 if self.refinement is None else self.refinement.nbytes
        thumbnails = sum(len(data) for data in self.face.thumbnails.values())
        return self.face.nbytes + own + style + cache + refined + thumbnails

    @property
    def refined(self) -> FaceModel | None:
        """The face with what was refined to it, if something was."""
        return None if self.refinement is None else self.refinement.model

    @property
    def refinement_runs(self) -> bool:
        """Whether a refinement is running."""
        return self.refinement is not None and self.refinement.state == "running"

    def end_refinement(self) -> None:
        """Cancel it, or drop what it gave."""
        if self.refinement is not None:
            self.refinement.cancel()
        self.refinement = None


class Sessions:
    """Sessions by id, the least recently used first."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self.ended = 0
        """How many have ended."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self._sessions)

    @property
    def nbytes(self) -> int:
        """Memory that all take together."""
        return sum(session.nbytes for session in self._sessions.values())

    def add(self, session: Session) -> None:
        """Hold a session; others may have to go."""
        session.used = self._clock()
        self._sessions[session.id] = session
        self.shrink()

    def get(self, session_id: str) -> Session:
        """A session, which counts as used now.

        Raises:
            HTTPError: 404, it ended or never was.
        """
        self.expire()
        session = self._sessions.get(session_id)
        if session is None:
            raise HTTPError(404, "this session has ended; open the picture again")
        session.used = self._clock()
        self._sessions.move_to_end(session_id)
        return session

    def remove(self, session_id: str) -> None:
        """End a session, if it is there."""
        if session_id in self._sessions:
            self._end(session_id)

    def expire(self) -> None:
        """End the sessions that nobody has used for too long."""
        oldest_allowed = self._clock() - self._limits.session_age
        while self._sessions and next(iter(self._sessions.values())).used < oldest_allowed:
            self._end(next(iter(self._sessions)))

    def shrink(self) -> None:
        """End the least recently used sessions until number and memory are within bounds; one always stays."""
        self.expire()
        nbytes = self.nbytes
        while len(self._sessions) > 1 and (
            len(self._sessions) > self._limits.sessions or nbytes > self._limits.session_bytes
        ):
            nbytes -= next(iter(self._sessions.values())).nbytes
            self._end(next(iter(self._sessions)))

    def _end(self, session_id: str) -> None:
        self._sessions.pop(session_id).end_refinement()
        self.ended += 1
