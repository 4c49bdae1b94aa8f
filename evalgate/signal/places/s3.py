"""An object in S3-compatible storage, written on condition: `If-Match` the object that was compared with.

Who was slower is told so by the storage itself (412, or 409 while another write is under way), and compares again.
Access and region are found as by every AWS tool; `AWS_ENDPOINT_URL_S3` names a storage that is not Amazon's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from evalgate.errors import InfrastructureError, InputError
from evalgate.signal.envelope import MAX_BYTES
from evalgate.signal.places import Keeps

if TYPE_CHECKING:
    from botocore.client import BaseClient

_NAME = re.compile(r"s3://(?P<bucket>[A-Za-z0-9][A-Za-z0-9.\-_]{1,254})/(?P<key>.{1,1024})")
_ATTEMPTS = 20  # against others who write at the same moment
_SECONDS = 10  # to connect, and between two bytes
_LOST = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_NOTHING = {"NoSuchKey", "404"}


class S3Place:
    """One object."""

    def __init__(self, name: str) -> None:
        match = _NAME.fullmatch(name)
        if match is None:
            raise InputError(f"{name}: expected s3://bucket/key")
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise InputError("S3 needs boto3, which is not installed: pip install 'evalgate-harness[s3]'") from None
        self.name = name
        self._object = {"Bucket": match["bucket"], "Key": match["key"]}
        try:
            limits = Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 3})
            self._client: BaseClient = boto3.client("s3", config=limits)
        except Exception as failure:  # botocore's errors have no base of ours, and none speaks of a secret
            raise InputError(f"{name}: {failure}") from None

    def read(self) -> bytes | None:
        """What is there now; None: nothing."""
        return self._there()[0]

    def replace(self, data: bytes, seq: int, keeps: Keeps) -> bytes | None:
        """Put `data` there unless what is there must stay, which is then returned. Raises `InfrastructureError`."""
        for _ in range(_ATTEMPTS):
            there, tag = self._there()
            if keeps(there):
                return there
            if self._write(data, {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}):
                return None
        raise InfrastructureError(f"{self.name}: the signal cannot be published: others write there all the time")

    def _there(self) -> tuple[bytes | None, str | None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = self._client.get_object(**self._object)
            if found["ContentLength"] > MAX_BYTES:
                raise InputError(f"{self.name}: larger than {MAX_BYTES >> 20} MiB; not a signal document")
            return found["Body"].read(), found["ETag"]
        except ClientError as failure:
            if _code(failure) in _NOTHING:
                return None, None
            raise self._failed(failure) from None
        except BotoCoreError as failure:
            raise self._failed(failure) from None

    def _write(self, data: bytes, condition: dict[str, str]) -> bool:
        """False when another one was quicker."""
        from botocore.exceptions import BotoCoreError, ClientError

        described = {"ContentType": "application/json", "CacheControl": "no-cache"}  # a cache asks before it answers
        try:
            self._client.put_object(**self._object, **described, **condition, Body=data)
        except ClientError as failure:
            if _code(failure) in _LOST | _NOTHING:  # it was there a moment ago, and is not now: compared again
                return False
            raise self._failed(failure) from None
        except BotoCoreError as failure:
            raise self._failed(failure) from None
        return True

    def _failed(self, failure: Exception) -> InfrastructureError:
        return InfrastructureError(f"{self.name}: the signal cannot be read or published: {failure}")


def _code(failure: Any) -> str:
    return str(failure.response.get("Error", {}).get("Code", ""))
