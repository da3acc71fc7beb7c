# Plays systemd for polkit 127's socket-activated helper: a connection to /run/polkit/agent-helper.socket starts the real
# polkit-agent-helper-1 in a unit named NUMBER-PID-UID, under what polkit-agent-helper@.service says: no new privileges,
# AF_UNIX only, a network of its own, a read-only system, a private /tmp, no setuid files, no namespaces.
# Debian 12's helper takes the user's name as its argument and polkit knows its caller by the real uid: both are given.
# Usage: polkit-activator.py SOCKET UNITS HELPER   (UNITS: a folder of control groups; systemd.exec(5), seccomp(2))
import ctypes, errno, os, socket, struct, subprocess, sys
import seccomp

path, units, helper = sys.argv[1:4]
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWNET, PR_SET_NO_NEW_PRIVS = 0x00020000, 0x40000000, 38


def confine():
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for command in (
        "mount --make-rprivate /",
        "mount -o remount,bind,ro /",
        "mount --bind /run /run && mount -o remount,bind,ro /run",
        "mount --bind /etc /etc && mount -o remount,bind,ro /etc",
        "mount -t tmpfs tmpfs /tmp",
    ):
        subprocess.run(["sh", "-c", command], check=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no new privileges")
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    refused = seccomp.ERRNO(errno.EAFNOSUPPORT)
    rules.add_rule(refused, "socket", seccomp.Arg(0, seccomp.NE, socket.AF_UNIX))
    for call in ("unshare", "mount", "ptrace", "bpf", "keyctl", "reboot", "init_module"):
        rules.add_rule(seccomp.ERRNO(errno.EPERM), call)
    for call in ("chmod", "fchmod"):
        rules.add_rule(seccomp.ERRNO(errno.EPERM), call, seccomp.Arg(1, seccomp.MASKED_EQ, 0o4000, 0o4000))
    rules.load()


def serve(connection, number):
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, uid, _ = struct.unpack("iII", credentials)
    unit = f"{units}/system.slice/polkit-agent-helper@{number}-{pid}-{uid}.service"
    os.makedirs(unit)
    with open(f"{unit}/cgroup.procs", "w") as group:
        group.write(str(os.getpid()))
    name = b""
    while not name.endswith(b"\n"):
        name += connection.recv(1)
    real = int(name.split()[0])
    user = name.split()[1].decode()
    confine()
    os.dup2(connection.fileno(), 0)
    os.dup2(connection.fileno(), 1)
    os.setresuid(real, 0, 0)
    os.execv(helper, [helper, user])


listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
os.chmod(path, 0o666)
listener.listen()
print("listening", flush=True)
number = 0
while True:
    connection, _ = listener.accept()
    number += 1
    if os.fork() == 0:
        serve(connection, number)
    connection.close()
