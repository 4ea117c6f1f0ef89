"""How a test's asyncio server ends without leaving a socket to the garbage collector."""

import asyncio

#: Turns of the loop from an accepted connection to its protocol, and from its end to its socket's.
TURNS = 5


async def let_no_more_in(server: asyncio.Server) -> None:
    """Accept nothing more; who was accepted before has its protocol when this returns.

    `Server.close` alone, in the moment between, leaves such a socket open and without an owner.
    """
    for door in server.sockets:
        server.get_loop().remove_reader(door.fileno())
    await some_turns()
    server.close()


async def some_turns() -> None:
    """Let transports hear what became of them."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
