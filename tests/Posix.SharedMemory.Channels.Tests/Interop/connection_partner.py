# The Python partner of the tests: as connection_partner.c.
import fcntl
import mmap
import os
import struct
import sys

import psm_channel
import psm_connection

path, _, role = sys.argv[1:4]
if role.startswith("show"):
    direction = int(role != "show")
    with open(path, "r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
    with psm_channel.Reader(memory, "python", direction=direction) as it:
        print("open", flush=True)
        for payload, kind in it.read_available():
            print(direction, kind, len(payload), "" if kind == psm_channel.OBJECT else bytes(payload).decode())
        print("end", flush=True)
    sys.exit()
with psm_connection.connect(path, "python", 0.1 if role == "brief" else 240) as connection:
    print("open", flush=True)
    if role == "objects":
        for number in range(1, 4):
            descriptor = os.memfd_create("object", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.pwrite(descriptor, bytes([number]), 4095 + number)
            if number != 2:
                fcntl.fcntl(descriptor, 1033, psm_connection.SHRINK)  # F_ADD_SEALS
            connection.output.write(b"before", number)
            connection.send_object(descriptor, 240)
            os.close(descriptor)
        connection.output.complete()
        print("sent", int(connection.input.wait()), flush=True)
        sys.exit()
    try:
        connection.input.wait()
    except psm_channel.PeerLeft:
        try:
            connection.input.wait(5)
        except Exception as again:
            print("again", type(again).__name__, flush=True)
        raise
    while connection.input.wait():
        message, kind = connection.input.try_read()
        if kind == psm_channel.OBJECT:
            descriptor, length = connection.receive_object(psm_connection.SHRINK)
            with mmap.mmap(descriptor, length, prot=mmap.PROT_READ) as mapping:
                message = b"object %d %d %d" % (struct.unpack("<Q", message)[0], length, mapping[length - 1])
            os.close(descriptor)
        connection.output.write(message, kind & 0x7FFF)
    connection.output.complete()
    print("ended 0", flush=True)
print("closed", flush=True)
