"""No files, no network, no programs: what a decoder process gives up before it decodes.

A seccomp filter (Linux on x86-64, seccomp(2)) lets through the system calls that computing needs
and answers all others with EPERM. Where there is none of that, nothing is sealed, and the limits of
memory and time are what remains.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from errno import ENOSYS, EPERM
from struct import pack

# Linux, arch/x86/entry/syscalls/syscall_64.tbl
_ALLOWED = frozenset(
    (
        *(0, 1, 3, 5, 7, 8),  # read, write, close, fstat, poll, lseek
        *(11, 12, 13, 14, 15, 17, 20),  # munmap, brk, signals, pread64, writev
        *(24, 25, 28, 35, 39),  # sched_yield, mremap, madvise, nanosleep, getpid
        *(44, 45, 46, 47),  # sendto, recvfrom, sendmsg, recvmsg: on the socket it has
        *(60, 72, 96, 97, 98, 131, 160),  # exit, fcntl (mmap has it doubled), clock, limits, usage
        *(186, 202, 204, 228, 230, 231),  # gettid, futex, affinity, clocks, exit_group
        *(234, 273, 302, 309, 318, 324, 334),  # tgkill, threads, prlimit64, getcpu, getrandom
    )
)
_MMAP, _MPROTECT, _CLONE, _CLONE3, _STAT = 9, 10, 56, 435, 262
_PROT_EXEC, _CLONE_THREAD, _AT_EMPTY_PATH = 4, 0x10000, 0x1000
_ARCH = 0xC000003E  # AUDIT_ARCH_X86_64

# Linux, include/uapi/linux/bpf_common.h, filter.h, seccomp.h
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER_AT, _ARCH_AT, _FIRST_AT, _THIRD_AT, _FOURTH_AT = 0, 4, 16, 32, 40
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2


def seal() -> bool:
    """Give up all but computing, for good; whether this system could."""
    if not sys.platform.startswith("linux") or os.uname().machine != "x86_64":
        return False
    with suppress(OSError, AttributeError):
        return _install(b"".join(_program()))
    return False


def _install(program: bytes) -> bool:
    class _Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    call = ctypes.CDLL(None, use_errno=True).prctl
    last = [ctypes.c_ulong(0)] * 3
    if call(_NO_NEW_PRIVILEGES, ctypes.c_ulong(1), *last):
        return False
    what = _Program(len(program) // 8, program)
    return not call(_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(what), *last[1:])


def _program() -> Iterator[bytes]:
    """The filter. Jumps count the instructions to skip: if so, if not."""
    yield _step(_LOAD, _ARCH_AT)
    yield _step(_EQUAL, _ARCH, 1, 0)
    yield _step(_RETURN, _KILL)
    yield _step(_LOAD, _NUMBER_AT)
    yield from _if(_CLONE3, [_step(_RETURN, _ERRNO | ENOSYS)])  # libc then takes clone
    yield from _if(_CLONE, _unless(_FIRST_AT, _CLONE_THREAD, _ERRNO | EPERM, _ALLOW))
    # fstat is written as a stat of no path at all
    yield from _if(_STAT, _unless(_FOURTH_AT, _AT_EMPTY_PATH, _ERRNO | EPERM, _ALLOW))
    for number in (_MMAP, _MPROTECT):
        yield from _if(number, _unless(_THIRD_AT, _PROT_EXEC, _ALLOW, _ERRNO | EPERM))
    for number in sorted(_ALLOWED):
        yield from _if(number, [_step(_RETURN, _ALLOW)])
    yield _step(_RETURN, _ERRNO | EPERM)


def _if(number: int, then: list[bytes]) -> list[bytes]:
    return [_step(_EQUAL, number, 0, len(then)), *then]


def _unless(argument: int, bit: int, so: int, else_: int) -> list[bytes]:
    """One answer where the bit of the argument is not set, another where it is."""
    return [
        _step(_LOAD, argument),
        _step(_ANY_BIT, bit, 1, 0),
        _step(_RETURN, so),
        _step(_RETURN, else_),
    ]


def _step(code: int, value: int, so: int = 0, not_so: int = 0) -> bytes:
    return pack("<HBBI", code, so, not_so, value)
