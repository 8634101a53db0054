# The Python partner of the tests: as call_partner.c.
import sys

import psm_calls
import psm_channel
import psm_connection

path, _, role = sys.argv[1:4]
with psm_connection.connect(path, "python", 240) as connection:
    calls, held, count = psm_calls.Calls(connection), [], 0
    print("open", flush=True)
    if role == "call":
        for number in range(300):
            request = bytes([97 + number % 26]) * (number * 7919 % 1900)
            count += calls.call(request, number % 5) == request[::-1]
        try:
            calls.call(b"x", 7)
        except psm_calls.CallFailed as failure:
            print("failed", failure.error, failure.message, flush=True)
        try:
            calls.call(b"x", 9, timeout=0.05)
        except TimeoutError:
            print("late", flush=True)
        print("called", count, flush=True)
    elif role == "refuse":
        try:
            calls.call(b"x", 9, timeout=0.05)
        except TimeoutError:
            print("late", flush=True)
        for act in lambda: calls.call(b"x", 9), lambda: calls.start(b"x", 9):
            try:
                act()
            except psm_channel.Corrupt:
                print("refused", flush=True)
    else:
        while (call := calls.receive()) is not None:
            if call.type == 9:
                held.append(call)
            elif call.type == 7:
                calls.fail(call, 7, "refused")
            else:
                calls.reply(call, call.request[::-1])
            for it in [it for it in held if it.is_cancelled]:
                held.remove(it)
                calls.fail(it, 1)
                print("cancelled", flush=True)
        print("ended 0", flush=True)
    connection.output.complete()
print("closed", flush=True)
