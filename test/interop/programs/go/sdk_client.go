// The client of the official SDK: client <url>, with a token in INTEROP_TOKEN. test/interop/client.ts says what it
// speaks on its standard input and output.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// withToken sends a bearer token with each request.
type withToken string

func (token withToken) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+string(token))
	return http.DefaultTransport.RoundTrip(request)
}

type answer struct {
	Key   string `json:"key"`
	Text  string `json:"text,omitempty"`
	Error string `json:"error,omitempty"`
}

func call(ctx context.Context, session *mcp.ClientSession, key string) (string, error) {
	params := &mcp.CallToolParams{Name: "count", Arguments: map[string]any{"key": key}}
	result, err := session.CallTool(ctx, params)
	if err != nil {
		return "", err
	}
	text := ""
	for _, part := range result.Content {
		if content, isText := part.(*mcp.TextContent); isText {
			text += content.Text
		}
	}
	if result.IsError {
		return "", errors.New(text)
	}
	return text, nil
}

func answered(ctx context.Context, session *mcp.ClientSession, key string) answer {
	text, err := call(ctx, session, key)
	if err != nil {
		return answer{Key: key, Error: strings.ReplaceAll(err.Error(), session.ID(), "<session id>")}
	}
	return answer{Key: key, Text: text}
}

func say(lines <-chan answer) {
	out := json.NewEncoder(os.Stdout)
	for line := range lines {
		if err := out.Encode(line); err != nil {
			log.Fatal(err)
		}
	}
}

func main() {
	ctx := context.Background()
	transport := &mcp.StreamableClientTransport{Endpoint: os.Args[1]}
	if token := os.Getenv("INTEROP_TOKEN"); token != "" {
		transport.HTTPClient = &http.Client{Transport: withToken(token)}
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "interop", Version: "1.0.0"}, nil)
	session, err := client.Connect(ctx, transport, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := session.ListTools(ctx, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	lines := make(chan answer)
	go say(lines)
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		key := input.Text()
		go func() { lines <- answered(ctx, session, key) }()
	}
}
