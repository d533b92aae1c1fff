// A server of the official SDK: server <port> [milliseconds after which idle sessions end].
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type countInput struct {
	Key string `json:"key"`
}

func count(_ context.Context, _ *mcp.CallToolRequest, input countInput) (*mcp.CallToolResult, any, error) {
	text, err := counted(input.Key)
	if err != nil {
		return nil, nil, err
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
}

func main() {
	options := &mcp.StreamableHTTPOptions{}
	if len(os.Args) > 2 {
		idle, err := time.ParseDuration(os.Args[2] + "ms")
		if err != nil {
			log.Fatal(err)
		}
		options.SessionTimeout = idle
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "counting", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "count", Description: "Counts its runs."}, count)
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options)
	http.Handle("/mcp", handler)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
