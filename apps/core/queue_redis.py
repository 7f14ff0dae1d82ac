"""The queue in Redis: kombu's transport, made to outlive a Redis that goes away and comes back.

Kombu's own keeps a copy of every message until it is acknowledged, and puts it back when a channel closes. When Redis
has gone meanwhile, both happen on a channel that has no connection any more; what is raised then (`AttributeError`)
nobody expects, and it ends the worker. Our messages are doorbells: here a message belongs to whoever took it, as in
the queue of files, and a channel that can't say goodbye closes all the same.
"""

from kombu.transport import redis


class Channel(redis.Channel):
    """A channel that asks nothing of Redis when it closes, and nothing after."""

    ack_emulation = False  # messages are acknowledged in memory, which frees the worker's next place
    do_restore = False

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Give a message back. Once the channel is closed it is lost."""
        super().basic_reject(delivery_tag, requeue=requeue and not self.closed)

    def close(self) -> None:
        """Close this end, whether or not the other one is still there."""
        try:
            super().close()
        except (*Transport.connection_errors, *Transport.channel_errors):
            # Left off at reading the last answer, or at deleting the queues of this channel, which die with Redis.
            self.auto_delete_queues.clear()
            super().close()


class Transport(redis.Transport):
    """What `redis://` and `rediss://` in the broker's URL stand for."""

    Channel = Channel
