"""Spans, and how code marks the steps that are spans. What is not traced costs next to nothing.

A `Tracer` begins the spans of a job. Whatever runs within such a span marks its own steps by `step`, which needs no tracer:
the current span is a context variable, which tasks inherit. Spans have ids, kinds, counts and classes of errors as
attributes, never names of users or files, messages, or anything secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from uuid import UUID

from jobs.errors import HaulageError

Attribute = str | int | float | bool | None
"""None is left out."""


class Span:
    """One step that is not traced. What is traced overrides every method."""

    traceparent: str | None = None
    """Of a span that is recorded: what is its child names it by this (`jobs.tracing.traceparent`)."""

    def set(self, attributes: Mapping[str, Attribute]) -> None:
        """Adds attributes."""

    def link(self, traceparent: str) -> None:
        """Links to a span of another trace, or to one that is no ancestor."""

    def child(self, name: str, attributes: Mapping[str, Attribute]) -> Span:
        """Begins a span within this one."""
        del name, attributes
        return self

    def fail(self, error_type: str) -> None:
        """Marks the span as failed, by a class or code of errors."""

    def end(self) -> None:
        """Ends the span."""


UNTRACED = Span()
_current: ContextVar[Span] = ContextVar("span", default=UNTRACED)


class Tracer:
    """Begins the spans of jobs: none, if traces are off."""

    def begin(self, name: str, traceparent: str | None) -> Span:
        """A span of a request, which is in the trace that the request has brought, or in a new one. It may be left out."""
        del name, traceparent
        return UNTRACED

    def resume(self, name: str, traceparent: str | None, *, job_id: UUID, fence: int) -> Span:
        """The span of an attempt, in the trace of its job; none, if the job has no trace or it is not recorded.

        Its id follows from job and fence (`attempt_traceparent`).
        """
        del name, traceparent, job_id, fence
        return UNTRACED

    def attempt_traceparent(self, traceparent: str, *, job_id: UUID, fence: int) -> str:
        """Names the span of another attempt of a job, which was claimed with this fence."""
        del job_id, fence
        return traceparent

    async def close(self) -> None:
        """Sends what is left, for some seconds at most. Spans that end later are discarded."""


def running(span: Span) -> AbstractContextManager[Span]:
    """Makes the span the current one of the block, and ends it with the block, whose error it records by its class."""
    return _NOTHING if span is UNTRACED else _running(span)


def step(name: str, **attributes: Attribute) -> AbstractContextManager[Span]:
    """A span of the block within the current span. Keywords become attributes: `bytes` is `haulage.bytes`."""
    span = _current.get()
    if span is UNTRACED:
        return _NOTHING
    return _running(span.child(name, {f"haulage.{key}": value for key, value in attributes.items()}))


_NOTHING = nullcontext(UNTRACED)


@contextmanager
def _running(span: Span) -> Iterator[Span]:
    token = _current.set(span)
    try:
        yield span
    except HaulageError as error:
        span.set({"haulage.error_class": error.error_class})
        span.fail(error.code)
        raise
    except BaseException as error:
        span.fail(type(error).__name__)
        raise
    finally:
        span.end()
        _current.reset(token)
