"""What can go wrong with a stream as a whole; a single message that cannot be used is no error but a dead letter."""

from __future__ import annotations

from typing import ClassVar

from flows.errors import ConfigurationError, GridweaveError


class StreamError(GridweaveError):
    """The stream cannot be read or written."""


class StreamBusyError(StreamError):
    """Another process works for the same consumer.

    Args:
        consumer: Name of the consumer.
        holder_pid: Process that works for it; None when it could not be read, or reads for another home.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, *, consumer: str, holder_pid: int | None) -> None:
        self.consumer = consumer
        self.holder_pid = holder_pid
        super().__init__(
            f"Consumer {consumer} is worked for by process {holder_pid or 'unknown'}; one process at a time.",
            hint="stop that process (SIGTERM), or read under another name with --consumer",
            is_retryable=True,
        )


class BrokerAwayError(StreamError):
    """The broker does not answer, or not as one that has the stream.

    Args:
        source: Kind of broker.
        stream: What was asked for.
        reason: What happened.
        hint: What to do.
    """

    def __init__(self, *, source: str, stream: str, reason: str, hint: str = "") -> None:
        self.source = source
        self.stream = stream
        self.reason = reason
        super().__init__(
            f"Stream {stream} cannot be read from {source}: {reason}.",
            hint=hint or "GRIDWEAVE_STREAM_URL (or --url) says where the broker is; is it running?",
            is_retryable=True,
        )


class PositionGoneError(StreamError):
    """The broker no longer keeps what comes next.

    Args:
        stream: The stream.
        wanted: Position that comes next.
        first: First position the broker still has.
    """

    def __init__(self, *, stream: str, wanted: str, first: str) -> None:
        self.stream = stream
        self.wanted = wanted
        self.first = first
        super().__init__(
            f"Stream {stream} no longer has what follows {wanted}: it begins at {first}; messages between are lost.",
            hint=f"land them from their source, then go on with --replay-from {first}; keep more in the broker",
        )


class PositionAheadError(StreamError):
    """The broker's stream ends before what was worked on: it is another one under the same name.

    Args:
        stream: The stream.
        reached: Position that was worked on last.
        end: Last position the broker ever gave.
    """

    def __init__(self, *, stream: str, reached: str, end: str) -> None:
        self.stream = stream
        self.reached = reached
        self.end = end
        super().__init__(
            f"Stream {stream} ends at {end}, before {reached}, which was worked on: it was made anew, or restored from"
            " an older copy. What it has now would be taken for what came before, so nothing is taken.",
            hint="read it under a name of its own with --consumer; the sink of this one keeps what it has",
        )


class StreamInterruptedError(StreamError):
    """Reading has to begin anew behind the sink's position.

    Args:
        stream: The stream.
        reason: Why.
    """

    def __init__(self, *, stream: str, reason: str) -> None:
        self.stream = stream
        self.reason = reason
        super().__init__(f"Reading of {stream} was interrupted: {reason}.", hint="start it again", is_retryable=True)


class ModelMissingError(StreamError):
    """There is no model to score with.

    Args:
        use_case: Whose.
        reason: Why.
    """

    def __init__(self, *, use_case: str, reason: str) -> None:
        self.use_case = use_case
        self.reason = reason
        super().__init__(
            f"No model of {use_case} can score the stream: {reason}.",
            hint="`gridweave run +ml/scada_anomaly_model` trains one; `gridweave stream --demo` needs none",
        )


class OtherStreamError(ConfigurationError):
    """A consumer's sink holds the positions of another stream.

    Args:
        consumer: Name of the consumer.
        held: Stream its positions are of.
        wanted: Stream it was to read.
    """

    def __init__(self, *, consumer: str, held: str, wanted: str) -> None:
        self.consumer = consumer
        self.held = held
        self.wanted = wanted
        super().__init__(
            f"Consumer {consumer} reads {held}, and its positions mean nothing in {wanted}.",
            hint="give each stream a consumer of its own with --consumer",
        )


class PositionError(ConfigurationError):
    """A position is not written as the broker writes it.

    Args:
        text: What was given.
        expected: How it is written.
    """

    def __init__(self, *, text: str, expected: str) -> None:
        self.text = text
        super().__init__(
            f"{text!r} is no position of this stream: expected {expected}.", hint="--status shows where it is"
        )
