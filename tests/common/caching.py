"""Forgetting what the cache knows: rate limits above all."""

from django.conf import settings
from django.core.cache import cache


def forget_cache() -> None:
    """Empty the cache as far as this test process filled it: one in Redis is shared with other processes."""
    if not settings.ENV.REDIS_URL:
        cache.clear()
        return
    client = cache._cache.get_client(write=True)  # type: ignore[attr-defined] # Django has no public way to list keys
    for key in client.scan_iter(match=f"{settings.CACHES['default']['KEY_PREFIX']}:*", count=1000):
        client.delete(key)
