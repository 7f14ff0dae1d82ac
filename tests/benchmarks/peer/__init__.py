"""The build that a Django developer would assemble for an API with keys, limits and metering: what ours is held to.

DRF, djangorestframework-api-key, DRF's `ScopedRateThrottle` on Django's Redis cache, and one row of usage for each
call. It is the better half of such builds: the key is read once a call, the limit goes by key (by address, all would
share one list of 60 seconds of calls), connections are kept, JSON is the only renderer, and there is no authentication
besides. It lives in the platform's database, whose runs it reads, with tables of its own.
"""
