"""What FastStream does with a batch for every broker: hand it over as it came, or say that it did not.

What lives here: how a subscriber reads, and what notices a batch that got lost, or a broker that cannot be read any
more, within FastStream. What does not: what a broker's messages look like (its own module).

FastStream 0.7.8 reads headers and bodies of all messages before it calls anybody. One that is no UTF-8 makes it drop
the batch, up to 5,000 messages, log that and go on behind it. So nothing is read here (`ml.streaming.messages` does
that, one by one), and whatever else FastStream cannot do ends the stream.

Its loops also swallow what fetching raises and fetch again: at once, so that a connection that is closed for good stops
the event loop; or behind what a client had fetched already and threw away.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from faststream import AckPolicy, BaseMiddleware
from faststream.message import StreamMessage

from ml.streaming.errors import StreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from ml.streaming.brokers import Source


async def _unread(message: Any) -> StreamMessage[Any]:  # noqa: ANN401 - what a broker's client gave
    return StreamMessage(message, b"")


async def _as_it_came(message: StreamMessage[Any]) -> Any:  # noqa: ANN401 - what a broker's client gave
    return message.raw_message


PAUSE_SECONDS = 1.0
"""Between two fetches when there is nothing to fetch from; whoever reads ends meanwhile."""
HANDED_OVER_AS_IT_CAME: dict[str, Any] = {"ack_policy": AckPolicy.MANUAL, "parser": _unread, "decoder": _as_it_came}
"""Options of a subscriber."""


class NothingDropped:
    """A middleware that ends a source when a batch is not handed over.

    Args:
        source: Gets the failure.
        stream: Its name.
    """

    def __init__(self, source: Source, stream: str) -> None:
        self._source = source
        self._stream = stream

    def __call__(self, message: Any, /, *, context: Any) -> BaseMiddleware[Any, Any]:  # noqa: ANN401 - FastStream's
        """Watch over one batch."""
        return _Watch(message, context=context, told=self)

    def tell(self, error: Exception) -> None:
        """Take note of why a batch was not worked on; whoever takes batches looks at it before the next."""
        if self._source.failure is None:
            self._source.failure = (
                error
                if isinstance(error, StreamError)
                else StreamError(
                    f"A batch of {self._stream} was not handed over by FastStream: {type(error).__name__}.",
                    hint="nothing behind it was taken; start it again, and report this when it comes again",
                )
            )


class _Watch(BaseMiddleware[Any, Any]):
    """Watches over one batch: FastStream swallows every exception, also those of whoever takes it."""

    def __init__(self, message: Any, /, *, context: Any, told: NothingDropped) -> None:  # noqa: ANN401 - FastStream's
        super().__init__(message, context=context)
        self._told = told

    async def after_processed(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool | None:
        del exc_type, exc_tb
        if isinstance(exc_val, Exception):
            self._told.tell(exc_val)
        return False


def watched_fetch(
    source: Source,
    fetch: Callable[..., Awaitable[Any]],
    failure: Callable[[Exception], StreamError | None],
    nothing: Callable[[], Any],
) -> Callable[..., Awaitable[Any]]:
    """Return a fetch that ends a source where FastStream would go on.

    Args:
        source: Gets the failure.
        fetch: What FastStream calls.
        failure: What an exception means; none: FastStream does what is right with it.
        nothing: What to give FastStream instead, or raise, once the source has failed.
    """

    async def fetched(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - what a broker's client gives
        if source.failure is None:
            try:
                return await fetch(*arguments, **options)
            except Exception as error:
                found = failure(error)
                if found is None:
                    raise
                source.failure = source.failure or found
        await asyncio.sleep(PAUSE_SECONDS)
        return nothing()

    return fetched
