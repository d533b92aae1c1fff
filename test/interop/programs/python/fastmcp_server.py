# A server of FastMCP: fastmcp_server.py <port>. How long sessions may be idle is said by an environment variable of its own.
import sys

from counted import counted
from fastmcp import FastMCP

server = FastMCP("counting")


@server.tool
def count(key: str) -> str:
    """Counts its runs."""
    return counted(key)


server.run(transport="http", host="127.0.0.1", port=int(sys.argv[1]), show_banner=False)
