# What a client program speaks on its standard input and output: see test/interop/client.ts.
import asyncio
import json
import sys


def say(line: str) -> None:
    print(line, flush=True)


async def answer_lines(call) -> None:
    """Has `call` make one call for each line of the input, all at once; returns at its end."""
    say("ready")
    calls = set()

    async def answer(key: str) -> None:
        try:
            say(json.dumps({"key": key, "text": await call(key)}))
        except BaseException as error:
            say(json.dumps({"key": key, "error": f"{type(error).__name__}: {error}"}))
            if not isinstance(error, Exception):
                raise

    while line := await asyncio.to_thread(sys.stdin.readline):
        calls.add(asyncio.create_task(answer(line.strip())))
    for each in calls:
        each.cancel()


def text_of(result) -> str:
    """The text of a tool's answer; an error of the tool is raised."""
    text = "".join(getattr(part, "text", "") for part in result.content)
    if getattr(result, "isError", False) or getattr(result, "is_error", False):
        raise RuntimeError(text)
    return text
