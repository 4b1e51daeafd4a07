"""The system calls that a worker in a jail may make, by name, with their numbers on x86-64.

They are what CPython, numpy, OpenMP and engines need once they are loaded: memory, threads, files that are open or
that Landlock allows, clocks, and the messages on the worker's socket. Everything else is refused with EPERM.
"""

from __future__ import annotations

AUDIT_ARCH_X86_64 = 0xC000003E

_ROWS = """
read 0 write 1 open 2 close 3 stat 4 fstat 5 lstat 6 poll 7 lseek 8 mmap 9 mprotect 10 munmap 11 brk 12
rt_sigaction 13 rt_sigprocmask 14 rt_sigreturn 15 pread64 17 pwrite64 18 readv 19 writev 20 access 21 pipe 22
select 23 sched_yield 24 mremap 25 msync 26 mincore 27 madvise 28 dup 32 dup2 33 pause 34 nanosleep 35 getitimer 36
alarm 37 setitimer 38 getpid 39 sendto 44 recvfrom 45 shutdown 48 exit 60 uname 63 fcntl 72 flock 73 fsync 74
fdatasync 75 truncate 76 ftruncate 77 getcwd 79 chdir 80 fchdir 81 rename 82 mkdir 83 rmdir 84 unlink 87 readlink 89
chmod 90 fchmod 91 umask 95 gettimeofday 96 getrusage 98 sysinfo 99 times 100 getuid 102 getgid 104 geteuid 107
getegid 108 getppid 110 getpgrp 111 getgroups 115 getresuid 118 getresgid 120 getpgid 121 getsid 124
rt_sigpending 127 rt_sigtimedwait 128 rt_sigsuspend 130 sigaltstack 131 statfs 137 fstatfs 138 getpriority 140
sched_getparam 143 sched_getscheduler 145 sched_get_priority_max 146 sched_get_priority_min 147 arch_prctl 158
gettid 186 futex 202 sched_setaffinity 203 sched_getaffinity 204 epoll_create 213 getdents64 217 set_tid_address 218
restart_syscall 219 fadvise64 221 clock_gettime 228 clock_getres 229 clock_nanosleep 230 exit_group 231
epoll_wait 232 epoll_ctl 233 openat 257 mkdirat 258 newfstatat 262 unlinkat 263 renameat 264 readlinkat 267
fchmodat 268 faccessat 269 pselect6 270 ppoll 271 set_robust_list 273 get_robust_list 274 utimensat 280
epoll_pwait 281 fallocate 285 eventfd2 290 epoll_create1 291 dup3 292 pipe2 293 preadv 295 pwritev 296 getcpu 309
renameat2 316 getrandom 318 membarrier 324 preadv2 327 pwritev2 328 pkey_mprotect 329 statx 332 rseq 334
close_range 436 faccessat2 439 epoll_pwait2 441 futex_waitv 449 getsockopt 55 getsockname 51
getrlimit 97 setrlimit 160
"""
_WORDS = _ROWS.split()
ALLOWED: dict[str, int] = dict(zip(_WORDS[::2], map(int, _WORDS[1::2]), strict=True))

KILL, TGKILL, CLONE, CLONE3, PRCTL, PRLIMIT, IOCTL, SECCOMP = 62, 234, 56, 435, 157, 302, 16, 317
UNSHARE = 272

_REFUSED = """
socket 41 connect 42 accept 43 sendmsg 46 recvmsg 47 bind 49 listen 50 socketpair 53 setsockopt 54 clone 56 fork 57
vfork 58 execve 59 wait4 61 kill 62 shmget 29 shmat 30 link 86 symlink 88 chown 92 ptrace 101 setuid 105 setgid 106
setpgid 109 setsid 112 mknod 133 personality 135 prctl 157 ioctl 16 setpriority 141 sched_setscheduler 144
pivot_root 155 chroot 161 mount 165 umount2 166 tkill 200 keyctl 250 add_key 248 request_key 249 inotify_init1 294
perf_event_open 298 unshare 272 setns 308 process_vm_readv 310 process_vm_writev 311 prlimit64 302 kcmp 312 bpf 321
seccomp 317 memfd_create 319 execveat 322 userfaultfd 323 io_uring_setup 425 pidfd_send_signal 424 open_tree 428
move_mount 429 fsopen 430 pidfd_open 434 clone3 435 openat2 437 pidfd_getfd 438 mount_setattr 442 tgkill 234
landlock_create_ruleset 444 memfd_secret 447 set_mempolicy 238 get_mempolicy 239 mbind 237 mlock 149 symlinkat 266
linkat 265 init_module 175 kexec_load 246 acct 163 reboot 169 settimeofday 164 clock_settime 227 name_to_handle_at 303
open_by_handle_at 304 quotactl 179
accept4 288 getpeername 52 recvmmsg 299 sendmmsg 307 waitid 247 setresuid 117 setresgid 119 setgroups 116 capget 125
capset 126 fchown 93 fchownat 260 sendfile 40 copy_file_range 326 getxattr 191 lgetxattr 192 listxattr 194
llistxattr 195 sched_setparam 142 sync_file_range 277 timerfd_create 283 timerfd_settime 286 signalfd4 289
io_uring_enter 426 io_uring_register 427 fsconfig 431 fsmount 432 landlock_add_rule 445 landlock_restrict_self 446
"""
_NAMES = _REFUSED.split()
NUMBERS: dict[str, int] = {**ALLOWED, **dict(zip(_NAMES[::2], map(int, _NAMES[1::2]), strict=True))}
"""Every call that has a name here; a call that has none is reported by its number."""
BEYOND = 1024
"""Stands for every number from here on: no call has one, and what is counted by number stays bounded."""
NAME_OF = {number: name for name, number in NUMBERS.items()}


def name_of(number: int) -> str:
    """The name of a call, such as ``socket``; ``call 999`` where none is known."""
    return NAME_OF.get(number, f"call {number}" if number < BEYOND else "no call at all")
