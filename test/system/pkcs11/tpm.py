#!/usr/bin/python3
# What the kernel's /dev/tpmrm0 is to a real TPM, for swtpm: several users at a time, whose commands go one by one, and
# nothing is left in the TPM when the last has gone. A Unix socket, since a driver's process has no network.
# Specification: TPM 2.0 part 3, 28.4 (TPM2_FlushContext); TCTI "cmd" (tss2-tcti-cmd(7)).
# Usage: tpm.py serve SOCKET SWTPM-SOCKET   the manager
#        tpm.py SOCKET                      standard input and output, for TCTI "cmd"
import os, select, socket, struct, sys, threading

FLUSH_CONTEXT = 0x165
HANDLES = [base + n for base in (0x80000000, 0x02000000) for n in range(3)]
lock = threading.Lock()
users = 0


def whole(source):
    """One command or answer: bytes 2 to 5 are its length. Empty at the end."""
    data = b""
    while len(data) < 6 or len(data) < struct.unpack(">I", data[2:6])[0]:
        more = source.recv(8192)
        if not more:
            return b""
        data += more
    return data


def ask(tpm, command):
    tpm.sendall(command)
    return whole(tpm)


def serve(user, tpm):
    global users
    while command := whole(user):
        with lock:
            answer = ask(tpm, command)
        user.sendall(answer)
    with lock:
        users -= 1
        if users == 0:
            for handle in HANDLES:
                ask(tpm, struct.pack(">HIII", 0x8001, 14, FLUSH_CONTEXT, handle))
    user.close()


def connected(path):
    other = socket.socket(socket.AF_UNIX)
    other.connect(path)
    return other


if sys.argv[1] == "serve":
    tpm = connected(sys.argv[3])
    door = socket.socket(socket.AF_UNIX)
    door.bind(sys.argv[2])
    os.chmod(sys.argv[2], 0o666)
    door.listen(8)
    print("ready", flush=True)
    while True:
        user = door.accept()[0]
        with lock:
            users += 1
        threading.Thread(target=serve, args=(user, tpm), daemon=True).start()

manager = connected(sys.argv[1])
while True:
    for source in select.select([0, manager], [], [])[0]:
        data = os.read(0, 8192) if source == 0 else manager.recv(8192)
        if not data:
            sys.exit(0)
        manager.sendall(data) if source == 0 else os.write(1, data)
