# The client of mcp 2.x, as it is by default: mcp_2_client.py <url>, with a token in INTEROP_TOKEN.
import asyncio
import os
import sys

from client_lines import answer_lines, text_of
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


async def main() -> None:
    token = os.environ.get("INTEROP_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else None
    http_client = create_mcp_http_client(headers=headers)
    async with Client(streamable_http_client(sys.argv[1], http_client=http_client)) as client:
        await client.list_tools()

        async def call(key: str) -> str:
            return text_of(await client.call_tool("count", {"key": key}))

        await answer_lines(call)


asyncio.run(main())
