import io.modelcontextprotocol.server.McpServer;
import io.modelcontextprotocol.server.transport.HttpServletStreamableServerTransportProvider;
import io.modelcontextprotocol.spec.McpSchema.CallToolRequest;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import io.modelcontextprotocol.spec.McpSchema.ServerCapabilities;
import io.modelcontextprotocol.spec.McpSchema.TextContent;
import io.modelcontextprotocol.spec.McpSchema.Tool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.ee11.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;

/** A server of the official SDK in Jetty: its arguments are the port, and how often idle sessions are swept, in ms. */
public final class CountingServer {
    private CountingServer() {}

    public static void main(String[] arguments) throws Exception {
        var provider = HttpServletStreamableServerTransportProvider.builder().mcpEndpoint("/mcp");
        if (arguments.length > 1) {
            var interval = Duration.ofMillis(Long.parseLong(arguments[1]));
            // The sweep keeps a session with an open stream, and only a ping finds out that a stream is gone.
            provider.sessionSweepInterval(interval).keepAliveInterval(interval);
        }
        var transport = provider.build();
        McpServer.sync(transport)
                .serverInfo("counting", "1.0.0")
                .capabilities(ServerCapabilities.builder().tools(true).build())
                .toolCall(tool(), (exchange, request) -> count(request))
                .build();
        var servlet = new ServletHolder(transport);
        servlet.setAsyncSupported(true);
        var context = new ServletContextHandler();
        context.addServlet(servlet, "/*");
        var server = new Server(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])));
        server.setHandler(context);
        server.start();
        server.join();
    }

    private static Tool tool() {
        Map<String, Object> schema = Map.of(
                "type", "object",
                "properties", Map.of("key", Map.of("type", "string")),
                "required", List.of("key"));
        return Tool.builder("count", schema).description("Counts its runs.").build();
    }

    private static CallToolResult count(CallToolRequest request) {
        var key = String.valueOf(request.arguments().get("key"));
        try {
            var ledger = Path.of(System.getenv("INTEROP_LEDGER"));
            Files.writeString(ledger, key + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return CallToolResult.builder(List.of(TextContent.builder("counted " + key).build())).build();
    }
}
