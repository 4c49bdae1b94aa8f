"""The floor: the same calls with nothing but aiohttp. Reads items, asks each once, compares, writes one JSON line each.

python benchmarks/bare_aiohttp.py ITEMS BASE_URL MODEL CONCURRENCY OUT
"""

from __future__ import annotations

import asyncio
import json
import sys

import aiohttp


async def main(items_path: str, base_url: str, model: str, concurrency: int, out_path: str) -> None:
    with open(items_path, encoding="utf-8") as file:  # noqa: PTH123  # as small as it can be
        items = [json.loads(line) for line in file]
    right, todo = 0, iter(items)
    headers = {"Authorization": "Bearer sk-mock", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=concurrency)
    with open(out_path, "w", encoding="utf-8") as out:  # noqa: PTH123
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

            async def work() -> None:
                nonlocal right
                for item in todo:
                    messages = [{"role": "user", "content": item["input"]}]
                    body = {"model": model, "messages": messages, "temperature": 0}
                    async with session.post(f"{base_url}/chat/completions", data=json.dumps(body).encode()) as reply:
                        reply.raise_for_status()
                        text = json.loads(await reply.read())["choices"][0]["message"]["content"]
                    right += text == item["target"]
                    out.write(json.dumps({"id": item["id"], "text": text}) + "\n")

            await asyncio.gather(*(work() for _ in range(concurrency)))
    print(f"accuracy {right / len(items):.4f}")


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]))
