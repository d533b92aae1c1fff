# A server of mcp 1.x: mcp_1_server.py <port> [seconds after which idle sessions end].
import sys

from counted import counted
from mcp.server.fastmcp import FastMCP

port, idle = int(sys.argv[1]), sys.argv[2:]
options = {"session_idle_timeout": float(idle[0])} if idle else {}
server = FastMCP("counting", host="127.0.0.1", port=port, **options)


@server.tool()
def count(key: str) -> str:
    """Counts its runs."""
    return counted(key)


server.run(transport="streamable-http")
