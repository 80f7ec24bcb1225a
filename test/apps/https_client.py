"""Fetches and sends files over HTTPS and prints one JSON line for each.

usage: https_client.py VERSION PORT CA MODE {GET|PUT} NAME [{GET|PUT} NAME]...

VERSION is TLSv1_2 or TLSv1_3; MODE is `socket` (http.client over an SSL socket) or `memory`
(asyncio, whose TLS runs on memory BIOs). A line has the SHA-256 of what was received or, for PUT,
the one that the server answered."""

import asyncio
import hashlib
import http.client
import json
import os
import socket
import ssl
import sys

HOST = "localhost"
ADDRESS = "127.0.0.1"
CHUNK = 1 << 16


def report(name, sha256, tls):
    print(json.dumps({"name": name, "sha256": sha256, "version": tls.version(),
                      "cipher": tls.cipher()[0], "peer": tls.getpeercert()["subject"][0][0][1]}),
          flush=True)


def over_socket(port, context, method, name):
    connection = http.client.HTTPSConnection(HOST, port, context=context, blocksize=CHUNK)
    # A bare system may not know the name.
    connection._create_connection = lambda _, *rest: socket.create_connection(
        (ADDRESS, port), *rest)
    if method == "GET":
        connection.request("GET", "/" + name)
    else:
        with open(name, "rb") as file:
            connection.request("PUT", "/" + name, body=file,
                               headers={"Content-Length": str(os.path.getsize(name))})
    tls = connection.sock
    response = connection.getresponse()
    digest = hashlib.sha256()
    text = b""
    while chunk := response.read(CHUNK):
        digest.update(chunk)
        text = chunk
    report(name, digest.hexdigest() if method == "GET" else text.decode(), tls)
    connection.close()


async def over_memory(port, context, method, name):
    reader, writer = await asyncio.open_connection(ADDRESS, port, ssl=context,
                                                   server_hostname=HOST)
    size = os.path.getsize(name) if method == "PUT" else 0
    writer.write(f"{method} /{name} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {size}\r\n\r\n"
                 .encode())
    if method == "PUT":
        with open(name, "rb") as file:
            while chunk := file.read(CHUNK):
                writer.write(chunk)
                await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
    body = await reader.readexactly(length)
    received = hashlib.sha256(body).hexdigest() if method == "GET" else body.decode()
    report(name, received, writer.get_extra_info("ssl_object"))
    writer.close()


def main():
    version, port, authority, mode, *requests = sys.argv[1:]
    context = ssl.create_default_context(cafile=authority)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    for method, name in zip(requests[::2], requests[1::2]):
        if mode == "socket":
            over_socket(int(port), context, method, name)
        else:
            asyncio.run(over_memory(int(port), context, method, name))


main()
