"""Sends messages to rsyslog over TCP, and waits until it has written them.

    python rsyslog.py FOLDER FORMAT...

Runs rsyslog with the module imptcp on a free port of the loopback address, with its other settings unchanged, once for
each format. It reads FOLDER/syslog_FORMAT and writes FOLDER/received_FORMAT. The headers and structured data of the
first format are in FOLDER/received_headers.
"""

import pathlib
import socket
import subprocess
import sys
import tempfile
import time

CONFIGURATION = """
global(workDirectory="{work}" maxMessageSize="64k")
module(load="imptcp")
input(type="imptcp" address="127.0.0.1" port="{port}" ruleset="write")
template(name="text" type="string" string="%msg%\\n")
template(name="headers" type="string" string="%timereported:::date-rfc3339% %hostname% %app-name% %procid% %msgid% %structured-data%\\n")
ruleset(name="write") {{
    action(type="omfile" file="{text}" template="text")
    action(type="omfile" file="{headers}" template="headers")
}}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def connect(port, until):
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def run(folder, name, headers):
    received = folder / f"received_{name}"
    stream = (folder / f"syslog_{name}").read_bytes()
    expected = (folder / name).read_bytes().count(b"\n")
    with tempfile.TemporaryDirectory() as work:
        port, configuration = free_port(), pathlib.Path(work, "rsyslog.conf")
        configuration.write_text(CONFIGURATION.format(work=work, port=port, text=received, headers=headers))
        command = ["rsyslogd", "-n", "-f", str(configuration), "-i", f"{work}/pid"]
        with subprocess.Popen(command) as process:
            try:
                until = time.monotonic() + 30
                with connect(port, until) as out:
                    out.sendall(stream)
                while time.monotonic() < until:
                    if received.exists() and received.read_bytes().count(b"\n") >= expected:
                        break
                    time.sleep(0.1)
            finally:
                process.terminate()


def main(folder, *formats):
    folder = pathlib.Path(folder).resolve()
    for number, name in enumerate(formats):
        run(folder, name, folder / ("received_headers" if number == 0 else f"headers_{name}"))


if __name__ == "__main__":
    main(*sys.argv[1:])
