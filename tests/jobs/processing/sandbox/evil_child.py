"""A program that tries to get out of its sandbox in one of many ways, which its argument names.

Its request is JSON that says what there is outside. It writes a line: `escaped` with what it could do, or `refused` with
the error that it got. It may also end without one.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

OUTSIDE: dict[str, Any] = {}
WAYS_OUT: dict[str, Callable[[], object]] = {}
LIBC = ctypes.CDLL(None, use_errno=True)
CALLS = {
    "x86_64": {"bpf": 321, "capget": 125, "keyctl": 250, "io_uring_setup": 425},
    "aarch64": {"bpf": 280, "capget": 90, "keyctl": 219, "io_uring_setup": 425},
}[platform.machine()]


def way_out(function: Callable[[], object]) -> Callable[[], object]:
    WAYS_OUT[function.__name__] = function
    return function


def checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


# --- files ------------------------------------------------------------------------------------------------------------


@way_out
def read_the_users_of_the_machine() -> object:
    return Path("/etc/passwd").read_text()[:20]


@way_out
def read_a_secret_file() -> object:
    return Path(OUTSIDE["secret"]).read_text()


@way_out
def read_the_source_of_another_job() -> object:
    return Path(OUTSIDE["other_scratch"], "source").read_text()


@way_out
def list_a_folder() -> object:
    names = [path.name for path in Path(OUTSIDE["folder"]).iterdir()]
    assert "secret" in names
    return names


@way_out
def write_a_file_outside() -> object:
    return Path(OUTSIDE["folder"], f"written-{os.getpid()}").write_text("evil")


@way_out
def write_to_the_folder_of_temporary_files() -> object:
    path = Path("/tmp", f"evil-{os.getpid()}")
    path.write_text("evil")
    path.unlink()
    return "written"


@way_out
def write_to_shared_memory() -> object:
    path = Path("/dev/shm", f"evil-{os.getpid()}")
    path.write_text("evil")
    path.unlink()
    return "written"


@way_out
def write_to_the_root() -> object:
    Path("/evil").mkdir()
    Path("/evil").rmdir()
    return "made"


@way_out
def open_a_package_for_writing() -> object:
    with Path(OUTSIDE["package"]).open("r+b"):
        return "opened"


@way_out
def truncate_a_file_outside() -> None:
    os.truncate(OUTSIDE["victim"], 1)


@way_out
def truncate_a_file_that_it_may_read() -> object:
    os.close(os.open(OUTSIDE["readable"], os.O_RDONLY | os.O_TRUNC))
    return "truncated"


@way_out
def change_the_mode_of_a_file_outside() -> None:
    Path(OUTSIDE["victim"]).chmod(0o777)


@way_out
def change_the_times_of_a_file_outside() -> None:
    os.utime(OUTSIDE["victim"], (0, 0))


@way_out
def make_an_output_that_points_to_a_secret() -> None:
    Path("points").symlink_to(OUTSIDE["secret"])


@way_out
def make_an_output_of_a_file_outside() -> None:
    Path("linked").hardlink_to(OUTSIDE["victim"])


@way_out
def make_an_output_on_which_the_worker_would_wait() -> None:
    os.mkfifo("pipe")


@way_out
def make_a_program_with_the_rights_of_its_owner() -> object:
    os.close(os.open("program", os.O_CREAT | os.O_WRONLY, 0o4755))
    assert Path("program").stat().st_mode & 0o4000
    return "made"


@way_out
def make_the_device_of_a_disk() -> None:
    os.mknod("disk", 0o060600, os.makedev(254, 0))


@way_out
def use_a_file_that_the_worker_has_open() -> object:
    inherited = [number for number in range(3, 1000) if is_open(number)]
    if not inherited:
        raise OSError("only 0, 1 and 2 are open")
    return inherited


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


# --- the network ------------------------------------------------------------------------------------------------------


@way_out
def connect_by_tcp() -> object:
    with socket.create_connection(("127.0.0.1", OUTSIDE["tcp"]), timeout=5):
        return "connected"


@way_out
def listen_by_tcp() -> object:
    with socket.create_server(("127.0.0.1", 0)):
        return "listens"


@way_out
def send_by_udp() -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        return client.sendto(b"udp", ("127.0.0.1", OUTSIDE["udp"]))


@way_out
def connect_to_a_unix_socket() -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(OUTSIDE["unix"])


@way_out
def connect_to_an_abstract_socket() -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + OUTSIDE["abstract"])


@way_out
def talk_to_the_kernel_by_netlink() -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as client:
        client.bind((0, 0))


@way_out
def make_a_pair_of_sockets() -> object:
    for end in socket.socketpair():
        end.close()
    return "made"


@way_out
def open_a_socket_as_a_32_bit_program() -> object:
    """A filter that only knows the calls of 64 bits would let it through. Linux ends the process, so it has one."""
    # mov eax, 20 (getpid); int 0x80; ret
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()


# --- the worker and other processes -----------------------------------------------------------------------------------


@way_out
def read_secrets_of_its_environment() -> object:
    return os.environ["EVIL_TEST_SECRET"]


@way_out
def read_the_environment_of_the_worker() -> object:
    words = Path(f"/proc/{OUTSIDE['worker']}/environ").read_bytes()
    assert b"EVIL_TEST_SECRET" in words
    return "read"


@way_out
def read_the_environment_of_the_first_process() -> object:
    """In bubblewrap, that is bubblewrap itself."""
    return len(Path("/proc/1/environ").read_bytes())


@way_out
def read_the_environment_of_its_launcher() -> object:
    return len(Path(f"/proc/{os.getppid()}/environ").read_bytes())


@way_out
def trace_the_worker() -> object:
    seize, detach = 0x4206, 17
    LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    return checked(LIBC.ptrace(seize, OUTSIDE["worker"], None, None)), LIBC.ptrace(
        detach, OUTSIDE["worker"], None, None
    )


@way_out
def read_the_memory_of_the_worker() -> object:
    return read_memory(OUTSIDE["worker"], OUTSIDE["memory_address"], OUTSIDE["memory_size"])


def read_memory(process: int, address: int, size: int) -> bytes:
    buffer = ctypes.create_string_buffer(size)

    class Piece(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    local, remote = Piece(ctypes.addressof(buffer), size), Piece(address, size)
    one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)
    checked(LIBC.process_vm_readv(process, ctypes.byref(local), one, ctypes.byref(remote), one, none))
    return buffer.raw


@way_out
def signal_the_worker() -> None:
    os.kill(OUTSIDE["worker"], signal.SIGUSR1)


@way_out
def signal_its_launcher() -> None:
    os.kill(os.getppid(), 0)


@way_out
def let_the_kernel_signal_the_worker() -> object:
    """By a pipe that the worker owns, as far as signals are concerned."""
    reader, writer = os.pipe()
    fcntl.fcntl(reader, fcntl.F_SETOWN, OUTSIDE["worker"])
    fcntl.fcntl(reader, 10, signal.SIGUSR1)  # F_SETSIG
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    return os.write(writer, b"x")


@way_out
def signal_the_processes_near_it() -> object:
    """Those of its siblings, of its launcher, and of the template of which all are forks."""
    near = range(max(1, os.getppid() - 20), os.getpid() + 20)
    reached = [number for number in near if number not in (os.getpid(), OUTSIDE["worker"]) and can_signal(number)]
    if not reached:
        raise OSError("none can be signalled")
    return reached


def can_signal(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


@way_out
def trace_its_launcher() -> object:
    seize, detach = 0x4206, 17
    LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    return checked(LIBC.ptrace(seize, os.getppid(), None, None)), LIBC.ptrace(detach, os.getppid(), None, None)


@way_out
def read_the_memory_of_its_launcher() -> object:
    """It is a fork of it, so the same addresses are in use there."""
    return read_memory(os.getppid(), id(sys), 8)


@way_out
def signal_everybody() -> None:
    os.kill(-1, 0)


@way_out
def change_the_limits_of_the_worker() -> object:
    return resource.prlimit(OUTSIDE["worker"], resource.RLIMIT_CORE, (0, 0))


@way_out
def slow_the_worker_down() -> None:
    os.setpriority(os.PRIO_PROCESS, OUTSIDE["worker"], 1)


@way_out
def outlive_the_launcher() -> object:
    """Its parent's death would no longer be its own."""
    set_death_signal = 1
    checked(LIBC.prctl(set_death_signal, 0, 0, 0, 0))
    return LIBC.prctl(set_death_signal, signal.SIGKILL, 0, 0, 0)


@way_out
def leave_its_session() -> object:
    child = os.fork()  # who leads a group cannot leave it
    if child == 0:
        try:
            os.setsid()
        finally:
            os._exit(0 if os.getsid(0) == os.getpid() else 1)
    if os.waitpid(child, 0)[1]:
        raise OSError("a child could not leave it either")
    return "left"


# --- programs and resources -------------------------------------------------------------------------------------------


@way_out
def start_a_shell() -> object:
    done = subprocess.run(["/bin/sh", "-c", "echo started"], capture_output=True, check=True)
    return done.stdout.decode()


@way_out
def start_python_again() -> object:
    done = subprocess.run([sys.executable, "-c", "print('started')"], capture_output=True, check=True)
    return done.stdout.decode()


@way_out
def run_the_program_that_it_may_start() -> object:
    return subprocess.run([OUTSIDE["program"]], check=True)


@way_out
def start_a_program_that_it_has_written() -> object:
    Path("program").write_text("print('started')")
    loader = next(path for folder in ("/lib64", "/lib") for path in Path(folder).glob("ld-linux-*"))
    done = subprocess.run([loader, sys.executable, "program"], capture_output=True, check=True)
    return done.stdout.decode()


@way_out
def be_a_fork_bomb() -> object:
    children = []
    try:
        for _ in range(OUTSIDE["bomb"]):
            child = os.fork()
            if child == 0:
                time.sleep(1000)
            children.append(child)
        time.sleep(5)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return len(children)


@way_out
def have_the_rights_of_root() -> object:
    data = (ctypes.c_uint32 * 6)()
    checked(LIBC.syscall(CALLS["capget"], (ctypes.c_uint32 * 2)(0x20080522, 0), data))
    if not (data[0] or data[1] or data[3] or data[4]):
        raise OSError("it has no capabilities")
    return f"{data[0]:x} {data[1]:x}"


@way_out
def take_2_gib_of_memory() -> object:
    try:
        return len(bytearray(2 << 30))
    except MemoryError:
        raise OSError("no memory") from None


@way_out
def take_memory_that_counts_for_no_limit() -> None:
    os.close(os.memfd_create("evil"))


@way_out
def leave_shared_memory_behind() -> object:
    identifier = checked(LIBC.shmget(0, 4096, 0o1600))
    return LIBC.shmctl(identifier, 0, None)


@way_out
def use_the_shared_memory_of_others() -> object:
    LIBC.shmat.restype = ctypes.c_long
    return checked(LIBC.shmat(OUTSIDE["shared_memory"], None, 0))


@way_out
def write_a_file_beyond_the_limit() -> object:
    with Path("large").open("wb") as file:
        file.writelines(bytes(4096) for _ in range(2 * OUTSIDE["file_size"] // 4096))
    return "written"


@way_out
def use_the_processor_without_end() -> object:
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return "unlimited"


# --- the kernel -------------------------------------------------------------------------------------------------------


@way_out
def make_namespaces_of_its_own() -> object:
    new_user, new_network = 0x10000000, 0x40000000
    return checked(LIBC.unshare(new_user | new_network))


@way_out
def mount_a_file_system() -> object:
    Path("mounted").mkdir(exist_ok=True)
    checked(LIBC.mount(b"tmpfs", b"mounted", b"tmpfs", 0, None))
    return LIBC.umount2(b"mounted", 2)


@way_out
def change_the_root() -> object:
    return checked(LIBC.chroot(b"."))


@way_out
def load_a_program_into_the_kernel() -> None:
    size = 48
    attributes = ctypes.create_string_buffer(b"\x02\0\0\0\x04\0\0\0\x04\0\0\0\x01\0\0\0", size)  # an array map
    os.close(checked(LIBC.syscall(CALLS["bpf"], 0, attributes, size)))


@way_out
def queue_calls_for_the_kernel() -> None:
    """io_uring opens sockets and files past every filter of system calls."""
    os.close(checked(LIBC.syscall(CALLS["io_uring_setup"], 4, ctypes.create_string_buffer(120))))


@way_out
def keep_a_key_in_the_kernel() -> object:
    session_keyring = -3
    return checked(LIBC.syscall(CALLS["keyctl"], 0, session_keyring, 1))


@way_out
def make_a_system_call_that_is_newer_than_its_sandbox() -> object:
    if LIBC.syscall(463, -1, None, 0, None, None, 0) < 0 and ctypes.get_errno() == errno.ENOSYS:  # setxattrat
        raise OSError("there is no such call")
    return "there is such a call"


def main() -> None:
    OUTSIDE.update(json.loads(sys.stdin.readline()))
    try:
        outcome = {"escaped": str(WAYS_OUT[sys.argv[1]]())}
    except (OSError, KeyError, ValueError, AssertionError, subprocess.SubprocessError) as error:
        outcome = {"refused": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(outcome) + "\n")


if __name__ == "__main__":
    main()
