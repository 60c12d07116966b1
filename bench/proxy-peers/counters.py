"""Retired instructions of running processes, user and kernel, from `perf_event_open` (x86-64 Linux). Many virtual machines
have no such counter; then there is none here either, and the tables say so."""

import ctypes
import errno
import os
import platform
import struct

CALLS = {"x86_64": 298, "aarch64": 241}
LIBC = ctypes.CDLL(None, use_errno=True)


class Instructions:
    """Counts from now on, for these processes and whatever threads they have now or start later."""

    def __init__(self, processes):
        self.descriptors = []
        for process in processes:
            for thread in os.listdir(f"/proc/{process}/task"):
                descriptor = opened(int(thread))
                if descriptor is not None:
                    self.descriptors.append(descriptor)

    def read(self):
        total = 0
        for descriptor in self.descriptors:
            value, enabled, running = struct.unpack("<QQQ", os.read(descriptor, 24))
            total += value * enabled / running if running else 0
        return total

    def close(self):
        for descriptor in self.descriptors:
            os.close(descriptor)


def available():
    """Whether this machine counts instructions."""
    try:
        counter = Instructions([os.getpid()])
    except OSError:
        return False
    sum(range(10_000))
    counted = counter.read()
    counter.close()
    return counted > 0


def opened(thread):
    # type HARDWARE, size, config INSTRUCTIONS, period, sample type, read format ENABLED and RUNNING, flag inherit.
    attributes = bytearray(128)
    struct.pack_into("<IIQQQQQ", attributes, 0, 0, 128, 1, 0, 0, 3, 1 << 1)
    buffer = (ctypes.c_char * 128).from_buffer(attributes)
    descriptor = LIBC.syscall(CALLS[platform.machine()], buffer, thread, -1, -1, 0)
    if descriptor >= 0:
        return descriptor
    fault = ctypes.get_errno()
    if fault == errno.ESRCH:
        return None
    raise OSError(fault, os.strerror(fault))
