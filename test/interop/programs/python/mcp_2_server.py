# A server of mcp 2.x: mcp_2_server.py <port> [seconds after which idle sessions end].
import sys

from counted import counted
from mcp.server import MCPServer

port, idle = int(sys.argv[1]), sys.argv[2:]
server = MCPServer("counting")


@server.tool()
def count(key: str) -> str:
    """Counts its runs."""
    return counted(key)


options = {"session_idle_timeout": float(idle[0])} if idle else {}
server.run(transport="streamable-http", host="127.0.0.1", port=port, **options)
