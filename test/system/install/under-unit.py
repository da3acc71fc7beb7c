# Runs a program under a unit's SystemCallFilter= and RestrictNamespaces=, as systemd translates them: what is not in
# the list fails with EPERM, clone3 with ENOSYS (its flags cannot be seen). Specification: systemd.exec(5), seccomp(2).
# Usage: under-unit.py "NAMESPACE …" CALL,CALL,… -- PROGRAM ARGUMENT…
import errno, os, sys
import seccomp

NAMESPACES = {
    "mnt": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}
allowed, calls = sys.argv[1].split(), sys.argv[2].split(",")
only = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
for call in calls:
    try:
        if call != "clone3":
            only.add_rule(seccomp.ALLOW, call)
    except (RuntimeError, OSError, ValueError):
        pass  # a call of another architecture or of a newer kernel
only.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
spaces = seccomp.SyscallFilter(seccomp.ALLOW)
for name, flag in NAMESPACES.items():
    if name not in allowed:
        for call in ("unshare", "clone"):
            spaces.add_rule(seccomp.ERRNO(errno.EPERM), call, seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
spaces.load()  # first: the other does not let one more be loaded
only.load()
os.execvp(sys.argv[4], sys.argv[4:])
