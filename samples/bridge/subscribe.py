#!/usr/bin/env python3
"""Prints the messages of bridged channels, without a NATS client: subscribe.py HOST:PORT SUBJECT [COUNT], as in subscribe.py hub:4222 'shm.v1.t.camera.>' 10.

A message that was sent alone is the payload as it is. Small ones travel together (Shm-Batch: 1): each after u32 length, u16 type and u16 zero, little-endian.
"""
import socket
import struct
import sys

address, subject, *rest = sys.argv[1:]
host, port = address.rsplit(":", 1)
left = int(rest[0]) if rest else -1
stream = socket.create_connection((host, int(port))).makefile("rwb")
stream.readline()  # INFO {...}
stream.write(b'CONNECT {"verbose":false,"headers":true}\r\nSUB %s 1\r\nPING\r\n' % subject.encode())
stream.flush()
while left != 0:
    words = stream.readline().split()
    if not words:
        sys.exit("the server has closed the connection")
    if words[0] == b"PING":
        stream.write(b"PONG\r\n")
        stream.flush()
    elif words[0] == b"PONG":
        print("subscribed", flush=True)
    elif words[0] == b"HMSG":  # HMSG subject sid [reply] header-length total-length
        body = stream.read(int(words[-1]) + 2)[:-2]
        header, payload = body[: int(words[-2])], body[int(words[-2]):]
        messages = [payload]
        if b"\nShm-Batch: 1" in header:
            messages, at = [], 0
            while at < len(payload):
                (length,) = struct.unpack_from("<I", payload, at)
                messages.append(payload[at + 8 : at + 8 + length])
                at += 8 + length
        for message in messages:
            if left != 0 and payload:
                print(words[1].decode(), len(message), message[:60], flush=True)
                left -= 1
