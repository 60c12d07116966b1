"""Starts a web server that the kernel keeps out of some files, as a label or a profile would."""
import ctypes
import os
import struct
import sys

CREATE, ADD, RESTRICT, NO_NEW_PRIVILEGES = 444, 445, 446, 38
EXECUTE, WRITE, READ, LIST, EVERYTHING = 1, 2, 4, 8, (1 << 13) - 1
COMMAND = ["/usr/sbin/nginx", "-e", os.getcwd() + "/log/start.log", "-p", os.getcwd(), "-c", os.getcwd() + "/etc/nginx/nginx.conf", "-g", "daemon off;"]
libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    if result < 0:
        sys.exit(f"landlock: {os.strerror(ctypes.get_errno())}")
    return result


def confine(allowed):
    ruleset = call(CREATE, struct.pack("QQ", EVERYTHING, 0), 8, 0)
    for path, rights in allowed:
        if os.path.exists(path):
            opened = os.open(path, os.O_PATH)
            call(ADD, ruleset, 1, struct.pack("=Qi", rights, opened), 0)
            os.close(opened)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    call(RESTRICT, ruleset, 0)


here = os.getcwd()
with open("etc/policy.txt") as policy:
    served = [os.path.join(here, line.strip()) for line in policy if line.strip()]
system = [(path, READ | LIST | EXECUTE) for path in ("/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/bin", "/sbin")]
own = [(os.path.join(here, name), EVERYTHING) for name in ("log", "run", "tmp", "cache", "etc")]
confine([*system, ("/dev", READ | WRITE | LIST), ("/var/log", EVERYTHING), ("/var/lib", EVERYTHING), *own, *((path, READ | LIST if os.path.isdir(path) else READ) for path in served)])
os.execv(COMMAND[0], COMMAND)
