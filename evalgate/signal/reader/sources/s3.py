"""An object in S3-compatible storage, asked for on condition that it is another one (`If-None-Match`).

Access and region are found as by every AWS tool; `AWS_ENDPOINT_URL_S3` names a storage that is not Amazon's.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from evalgate.errors import InfrastructureError, InputError
from evalgate.signal.envelope import MAX_BYTES
from evalgate.signal.reader.sources import Fetched

if TYPE_CHECKING:
    from botocore.client import BaseClient

_NAME = re.compile(r"s3://(?P<bucket>[A-Za-z0-9][A-Za-z0-9.\-_]{1,254})/(?P<key>.{1,1024})")
_NOT_MODIFIED = 304


class S3Source:
    """One object."""

    def __init__(self, name: str) -> None:
        match = _NAME.fullmatch(name)
        if match is None:
            raise InputError(f"{name[:200]}: expected s3://bucket/key")
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise InputError("S3 needs boto3, which is not installed: pip install 'evalgate-harness[s3]'") from None
        self.name = name
        self._object = {"Bucket": match["bucket"], "Key": match["key"]}
        patience = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
        try:
            self._client: BaseClient = boto3.session.Session().client("s3", config=patience)
        except Exception as failure:  # botocore's errors have no base of ours, and none speaks of a secret
            raise InputError(f"{name}: {failure}") from None

    async def fetch(self, tag: str | None, wait: float) -> Fetched | None:
        """As `Source` says; storage is never waited for."""
        del wait
        return await asyncio.to_thread(self._get, tag)

    def _get(self, tag: str | None) -> Fetched | None:
        from botocore.exceptions import BotoCoreError, ClientError

        condition = {"IfNoneMatch": tag} if tag is not None else {}
        try:
            found: Any = self._client.get_object(**self._object, **condition)
            return Fetched(found["Body"].read(MAX_BYTES + 1), found.get("ETag"))
        except ClientError as failure:
            if failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == _NOT_MODIFIED:
                return None
            raise self._failed(failure) from None
        except (BotoCoreError, OSError) as failure:
            raise self._failed(failure) from None

    def _failed(self, failure: Exception) -> InfrastructureError:
        return InfrastructureError(f"{self.name}: the signal cannot be read: {failure}")

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._client.close)
