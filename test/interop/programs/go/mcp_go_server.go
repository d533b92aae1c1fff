// A server of mcp-go: server <port> generating|stateful [milliseconds after which idle sessions end].
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

func count(_ context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	key, err := request.RequireString("key")
	if err != nil {
		return mcp.NewToolResultError(err.Error()), nil
	}
	text, err := counted(key)
	if err != nil {
		return nil, err
	}
	return mcp.NewToolResultText(text), nil
}

func main() {
	options := []server.StreamableHTTPOption{server.WithStateful(os.Args[2] == "stateful")}
	if len(os.Args) > 3 {
		idle, err := time.ParseDuration(os.Args[3] + "ms")
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, server.WithSessionIdleTTL(idle))
	}
	counting := server.NewMCPServer("counting", "1.0.0")
	tool := mcp.NewTool("count", mcp.WithDescription("Counts its runs."), mcp.WithString("key", mcp.Required()))
	counting.AddTool(tool, count)
	log.Fatal(server.NewStreamableHTTPServer(counting, options...).Start("127.0.0.1:" + os.Args[1]))
}
