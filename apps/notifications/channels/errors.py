"""Why a channel did not take an alarm."""

# A rejected key or an unknown chat stays so until staff do something; the rest of 4xx is a message that is not taken.
TRY_AGAIN = frozenset({408, 409, 423, 425, 429})


class ChannelError(Exception):
    """An alarm did not reach its channel as far as we know. The words name no secret: they are stored and shown.

    `permanent`: trying again can't help. `maybe_sent`: it may have arrived nevertheless. `retry_after`: seconds that
    the other side asked us to wait.
    """

    def __init__(
        self, message: str, *, permanent: bool, maybe_sent: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(" ".join(message.split())[:300])
        self.permanent = permanent
        self.maybe_sent = maybe_sent
        self.retry_after = retry_after


def refused(status: int, said: str, retry_after: float | None = None) -> ChannelError:
    """The error for an answer that is no success. A redirect is none either: a channel's address is where it is."""
    return ChannelError(
        f"answered {status}: {said}" if said else f"answered {status}",
        permanent=status < 500 and status not in TRY_AGAIN,
        maybe_sent=status >= 500,
        retry_after=retry_after,
    )
