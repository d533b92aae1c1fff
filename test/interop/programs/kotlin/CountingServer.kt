import io.ktor.server.engine.embeddedServer
import io.ktor.server.netty.Netty
import io.modelcontextprotocol.kotlin.sdk.server.Server
import io.modelcontextprotocol.kotlin.sdk.server.ServerOptions
import io.modelcontextprotocol.kotlin.sdk.server.mcpStreamableHttp
import io.modelcontextprotocol.kotlin.sdk.types.CallToolRequest
import io.modelcontextprotocol.kotlin.sdk.types.CallToolResult
import io.modelcontextprotocol.kotlin.sdk.types.Implementation
import io.modelcontextprotocol.kotlin.sdk.types.ServerCapabilities
import io.modelcontextprotocol.kotlin.sdk.types.TextContent
import io.modelcontextprotocol.kotlin.sdk.types.ToolSchema
import java.io.File
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonObject

/** A server of the official SDK in Ktor, on Netty: its argument is the port. */
fun main(arguments: Array<String>) {
    embeddedServer(Netty, host = "127.0.0.1", port = arguments.single().toInt()) {
        mcpStreamableHttp { countingServer() }
    }.start(wait = true)
}

/** Asked for once for each session. */
private fun countingServer(): Server {
    val capabilities = ServerCapabilities(tools = ServerCapabilities.Tools(listChanged = true))
    val server = Server(Implementation("counting", "1.0.0"), ServerOptions(capabilities))
    val schema = ToolSchema(
        properties = buildJsonObject { putJsonObject("key") { put("type", "string") } },
        required = listOf("key"),
    )
    server.addTool("count", "Counts its runs.", schema) { request -> count(request) }
    return server
}

private fun count(request: CallToolRequest): CallToolResult {
    val key = requireNotNull(request.arguments?.get("key")) { "no key" }.jsonPrimitive.content
    File(System.getenv("INTEROP_LEDGER")).appendText("$key\n")
    return CallToolResult(content = listOf(TextContent("counted $key")))
}
