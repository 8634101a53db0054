"""Python's part of 68-python-client: asks the service for the sum of each table that it is sent, and calls it."""
import mmap
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../interop"))
import psm_calls  # noqa: E402
import psm_channel  # noqa: E402
import psm_connection  # noqa: E402

# snippet: client
with psm_connection.connect(sys.argv[1], label="python", timeout=60) as service:
    service.output.write(b"a table, please")
    while service.input.wait(timeout=60):
        message, kind = service.input.try_read()
        if kind == psm_channel.OBJECT:                               # An object stands here: no byte of it was copied.
            descriptor, length = service.receive_object(psm_connection.SHRINK)
            with mmap.mmap(descriptor, length, prot=mmap.PROT_READ) as table, memoryview(table) as numbers:
                service.output.write(b"%d" % sum(numbers))
            os.close(descriptor)
    service.output.complete()
# end

# snippet: calls
with psm_connection.connect(sys.argv[1], label="python", timeout=60) as service:
    prices = psm_calls.Calls(service)
    price = prices.call(b"EURUSD", timeout=60)
    try:
        prices.call(b"NOTHING", timeout=60)
    except psm_calls.CallFailed as failure:                          # The service's number and text.
        print(f"EURUSD is {price.decode()}, error {failure.error}: {failure.message}", flush=True)
    service.output.complete()
# end
