"""Virtual keys: who may call, at which rate, for how much money."""

from evalgate.gateway.keys.keys import Keys
from evalgate.gateway.keys.minting import digest, mint

__all__ = ["Keys", "digest", "mint"]
