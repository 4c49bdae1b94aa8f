"""Which documents are refused. Red is the last good word; a bad document says green, and must change nothing.

Each story ends with a good document that is obeyed: a refused one must leave no trace, or it would shut out the next.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from evalgate.conformance.documents import DAY
from evalgate.conformance.findings import Broken
from evalgate.conformance.rules.rule import Chapter
from evalgate.conformance.stage import Stage, says, seconds
from evalgate.conformance.world import BASELINE, CHEAP, FIRST
from evalgate.formats.canonical import canonical, digest
from evalgate.signal.envelope import PAYLOAD_TYPE, seal
from evalgate.signal.keys import SigningKey

RULES = Chapter()
FAR = 1_000_000  # a seq that would shut out all later ones if a refused document's counted


async def _red(stage: Stage) -> bytes:
    """Green was used, and red is obeyed now; returns the envelope that said green."""
    green = await stage.green()
    stage.publisher.publish(says("red"))
    await stage.obeys("the variant is red")
    return green


async def _still_heard(stage: Stage) -> None:
    """After what was refused, a good green and a good red are obeyed as ever."""
    stage.publisher.publish(says())
    if await stage.waits(FIRST, CHEAP, stage.pace.settle) is None:
        raise Broken("after the refused document, the next good one was not believed any more")
    stage.publisher.publish(says("red"))
    await stage.obeys("red again, after a document that was refused")


async def _refused(stage: Stage, document: bytes, why: str) -> str:
    await stage.refuses(document, why)
    await _still_heard(stage)
    return "refused, and the next good document was obeyed"


def _payload(stage: Stage, **changes: Any) -> bytes:
    """A document that says green, with faults."""
    return canonical({**stage.publisher.write(says(), ahead=FAR), **changes})


@RULES.rule("tampered", "a document that was changed after it was signed is refused")
async def _tampered(stage: Stage) -> str:
    await _red(stage)
    envelope = json.loads(seal(canonical(stage.publisher.write(says("red"), ahead=FAR)), [stage.publisher.key]))
    envelope["payload"] = base64.b64encode(_payload(stage)).decode()
    return await _refused(stage, json.dumps(envelope).encode(), "its signature is of another text")


@RULES.rule("unknown-key", "a document signed by a key that is not trusted is refused")
async def _unknown_key(stage: Stage) -> str:
    await _red(stage)
    return await _refused(stage, seal(_payload(stage), [SigningKey.generate()]), "nobody trusts its key")


@RULES.rule("borrowed-key-id", "a key's id is a hint: a stranger's signature under a trusted id is refused")
async def _borrowed_key_id(stage: Stage) -> str:
    await _red(stage)
    envelope = json.loads(seal(_payload(stage), [SigningKey.generate()]))
    envelope["signatures"][0]["keyid"] = stage.publisher.key.id
    return await _refused(stage, json.dumps(envelope).encode(), "the key's id is not the key")


@RULES.rule("unsigned", "a document without a signature is refused")
async def _unsigned(stage: Stage) -> str:
    await _red(stage)
    payload = _payload(stage)
    bare = {"payloadType": PAYLOAD_TYPE, "payload": base64.b64encode(payload).decode(), "signatures": []}
    await stage.refuses(payload, "it is not signed")
    return await _refused(stage, json.dumps(bare).encode(), "its list of signatures is empty")


@RULES.rule("other-purpose", "what a trusted key signed for another purpose is no signal")
async def _other_purpose(stage: Stage) -> str:
    await _red(stage)
    payload, kind = _payload(stage), "application/vnd.in-toto+json"
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    signature = base64.b64encode(stage.publisher.key.sign(message)).decode()
    text = base64.b64encode(payload).decode()
    for declared in (kind, PAYLOAD_TYPE):
        signatures = [{"keyid": stage.publisher.key.id, "sig": signature}]
        envelope = {"payloadType": declared, "payload": text, "signatures": signatures}
        await stage.refuses(json.dumps(envelope).encode(), "it was signed as something else")
    await _still_heard(stage)
    return "refused under its own type and under ours"


@RULES.rule("other-schema", "a document of another schema is refused, though it is signed")
async def _other_schema(stage: Stage) -> str:
    await _red(stage)
    payload = _payload(stage, schema="evalgate.signal/v2")
    return await _refused(stage, seal(payload, [stage.publisher.key]), "its schema is another one")


@RULES.rule("rolled-back", "an older document is refused, though its signature is good")
async def _rolled_back(stage: Stage) -> str:
    green = await _red(stage)
    return await _refused(stage, green, "its seq is lower than one that was seen")


@RULES.rule("broken-chain", "a next document whose prev is not the last one's hash is refused")
async def _broken_chain(stage: Stage) -> str:
    await _red(stage)
    document = stage.publisher.write(says(), prev=digest(b"another history"))
    return await _refused(stage, seal(canonical(document), [stage.publisher.key]), "its prev is of another history")


@RULES.rule("unreadable", "what cannot be read is refused, and the last good document goes on counting")
async def _unreadable(stage: Stage) -> str:
    await _red(stage)
    whole = seal(_payload(stage), [stage.publisher.key])
    page = b"<!doctype html><title>502 Bad Gateway</title>"
    for junk in (whole[: len(whole) // 2], b"", page, b"{}", b"null", b"[" * 100_000, b"\x00\xff" * 500):
        stage.publisher.put(junk)
        await stage.holds(stage.pace.within / 2)
        await stage.only((BASELINE,), stage.plain()[:6], "what is published cannot be read")
    await _still_heard(stage)
    stage.publisher.publish(says())
    if await stage.waits(FIRST, CHEAP, stage.pace.settle) is None:
        raise Broken("a good document was not believed any more")
    stage.publisher.put(page, content_type="text/html")
    await stage.holds()
    await stage.used("the last good document says green, and what came after it cannot be read")
    return "cut off, empty, an error page, not JSON; red stayed red and green stayed green"


@RULES.rule("other-stream", "a document of another stream is refused, though a trusted key signed it")
async def _other_stream(stage: Stage) -> str:
    await _red(stage)
    payload = _payload(stage, stream="evalgate/elsewhere")
    return await _refused(stage, seal(payload, [stage.publisher.key]), "it speaks of another stream")


@RULES.rule("one-number-one-document", "a second document with a seq that was seen is refused")
async def _one_number(stage: Stage) -> str:
    await _red(stage)
    document = stage.publisher.write(says(), ahead=0)
    return await _refused(stage, seal(canonical(document), [stage.publisher.key]), "its seq was another document's")


@RULES.rule("clock-behind", "what a publisher whose clock is a day behind calls valid, and has expired, is not used")
async def _clock_behind(stage: Stage) -> str:
    await _red(stage)
    stage.publisher.publish(says(age=DAY, valid_for=DAY - seconds(3600)))
    await stage.holds()
    await stage.only((BASELINE,), stage.plain(), "by our clock it has expired")
    await _still_heard(stage)
    return "not used, and the next good document was obeyed"


@RULES.rule("clock-ahead", "documents are ordered by seq, not by time (a publisher's clock a day ahead)")
async def _clock_ahead(stage: Stage) -> str:
    await stage.green()
    stage.publisher.publish(says(age=-DAY))
    await stage.holds()
    stage.publisher.publish(says("red"))
    await stage.obeys("red, by a document that is older by its clock and newer by its seq")
    return f"a red from before the last document's time was obeyed after {stage.obeyed[-1]:.1f} s"


@RULES.rule("heartbeat-missed", "an entry counts until its own valid_until, though the document's expires_at is past")
async def _heartbeat_missed(stage: Stage) -> str:
    lasts = max(3.0, 2 * stage.pace.within)  # long enough to be seen in time
    await stage.green()
    stage.publisher.publish(says(heartbeat=seconds(lasts)))
    await stage.holds(lasts + 1)
    await stage.used("the entry is valid, only the publisher was not heard of for a while")
    return "the entry was used after the document's expires_at"


@RULES.rule("key-rotation", "a second trusted key takes over, and the first one's old documents stay refused")
async def _key_rotation(stage: Stage) -> str:
    publisher = stage.publisher
    old = await stage.green()
    publisher.publish(says("red"), keys=[publisher.first_key, publisher.second_key])
    await stage.obeys("red, signed by both keys")
    publisher.publish(says(), keys=[publisher.second_key])
    if await stage.waits(FIRST, CHEAP, stage.pace.settle) is None:
        raise Broken("a document signed by the second trusted key was not believed")
    publisher.publish(says("red"), keys=[publisher.second_key])
    await stage.obeys("red, signed by the second key")
    await stage.refuses(old, "it is older, and was signed by the first key")
    return "both keys, then the second one; the first one's old document was refused"
