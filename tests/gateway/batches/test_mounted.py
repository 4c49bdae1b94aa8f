"""The batch tier in the gateway itself, behind a real signal file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import openai

from evalgate.catalog import load_catalog
from evalgate.gateway.application import Application
from evalgate.gateway.batches import mount
from evalgate.gateway.gateway import gateway
from evalgate.gateway.serve import Server, listen
from evalgate.gateway.settings import GatewaySettings
from evalgate.signal.reader import SignalReader
from evalgate.store import open_store
from tests.gateway.batches.conftest import World, ended, jsonl, line, rows, submit
from tests.gateway.house import CHEAP, Counts, publish


def test_a_gateway_takes_batches_beside_its_live_calls(world: World, tmp_path: Path) -> None:
    catalog = load_catalog(tmp_path / "catalog.yaml")
    publish(tmp_path, catalog, CHEAP)
    settings = GatewaySettings(port=0, drain_seconds=5, queue=world.settings.model_copy(update={"busy_above": 4}))
    counts = Counts()

    async def batched(application: Application, url: str) -> tuple[str, dict[str, object]]:
        server = Server(application, settings)
        serving = asyncio.create_task(server.serve([sock]))
        try:
            return await asyncio.to_thread(ask, url)
        finally:
            server.stop()
            await serving

    def ask(url: str) -> tuple[str, dict[str, object]]:
        client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
        batch = ended(client, submit(client, jsonl(line(0), line(1))).id)
        live = client.chat.completions.create(model="model", messages=[{"role": "user", "content": "now"}])
        assert live.choices[0].message.content == "answer to now"
        return batch.status, rows(client, batch.output_file_id)

    with SignalReader(tmp_path / "signal.json", unsigned=True) as reader, open_store(world.store.name) as store:
        reader.refresh()
        application = gateway(settings, catalog, reader, {}, telemetry=counts)
        mount(application, store, {}, telemetry=counts)
        sock = listen("127.0.0.1", 0)
        status, found = asyncio.run(batched(application, f"http://127.0.0.1:{sock.getsockname()[1]}/v1"))
    assert (status, set(found), world.server.sizes) == ("completed", {"c0", "c1"}, [2])
