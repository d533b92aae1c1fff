# The client of mcp 1.x: mcp_1_client.py <url>, with a token in INTEROP_TOKEN.
import asyncio
import os
import sys

from client_lines import answer_lines, text_of
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client


async def main() -> None:
    token = os.environ.get("INTEROP_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else None
    async with streamablehttp_client(sys.argv[1], headers=headers) as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            await session.list_tools()

            async def call(key: str) -> str:
                return text_of(await session.call_tool("count", {"key": key}))

            await answer_lines(call)


asyncio.run(main())
