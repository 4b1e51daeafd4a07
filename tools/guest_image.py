#!/usr/bin/env python3
"""Make the guest image of level ``microvm``: Debian's kernel and libraries, this Python, this QMK and its engines.

Run it with the Python that runs QMK, as root on Debian or Ubuntu with ``mmdebstrap``, ``squashfs-tools`` and ``lz4``:

    python tools/guest_image.py [FOLDER] [--engine NAME]... [--suite bookworm] [--debian FOLDER]

Everything has the time of ``SOURCE_DATE_EPOCH`` and the files of Debian's archive: of the same archive and the same
QMK come the same bits. ``--debian`` keeps what came from the archive, and takes it from there the next time.
"""

from __future__ import annotations

import argparse
import compileall
import gzip
import hashlib
import lzma
import os
import py_compile
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import msgspec

import qmk
from qmk.base.errors import QmkError
from qmk.host.isolation.drivers.microvm import image as images
from qmk.host.isolation.drivers.microvm.image import CODE_HOME, ENGINE_HOME, PYTHON_HOME, Image
from qmk.sdk import discovery

EPOCH = os.environ.setdefault("SOURCE_DATE_EPOCH", "1704067200")
MIRROR = "http://deb.debian.org/debian"
ENGINES = ("native", "stabilizer", "reference", "rydberg")
WORKER_NEEDS = ("msgspec", "numpy", "qmk_native", "typing_extensions")
MODULES = ("virtio_blk", "virtio_pci", "virtio_mmio", "virtio_console", "vmw_vsock_virtio_transport", "squashfs")
LIBRARIES = ("libpython3-stdlib", "libstdc++6", "libgomp1")
"""Of the first come all libraries of the system that Python's own modules need."""
NOT_READ = ("test", "idlelib", "tkinter", "ensurepip", "lib2to3", "turtledemo", "site-packages", "__pycache__")
UNPACKERS = {b"\x02\x21\x4c\x18": "lz4", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ\0": "xz", b"\x1f\x8b": "gzip"}
DEVICES = (("null", 1, 3), ("zero", 1, 5), ("random", 1, 8), ("urandom", 1, 9))
INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for module in {modules}; do /bin/busybox insmod /modules/$module.ko; done
until set -- /dev/vport*p1; [ -b /dev/vda ] && [ -c $1 -o -n "$qmk_vsock" ]; do /bin/busybox usleep 2000; done
/bin/busybox mount -t squashfs -o ro /dev/vda /root
[ ! -b /dev/vdb ] || /bin/busybox mount -t squashfs -o ro,nodev,nosuid /dev/vdb /root{engine}
[ -n "$qmk_vsock" ] || exec 3<>$1
/bin/busybox umount -l /dev
export PYTHONPATH={code} LD_LIBRARY_PATH={home}/lib PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/usr/bin
exec /bin/busybox switch_root /root {python} -P -m qmk.worker.vm.init ${{qmk_vsock:+vsock:}}${{qmk_vsock:-3}}
"""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make the guest image of level microvm.")
    parser.add_argument("folder", nargs="?", type=Path, default=images.folder())
    parser.add_argument("--engine", action="append", default=[], help="hold this engine too, with its libraries")
    parser.add_argument("--suite", default="bookworm", help="the Debian release of kernel and libraries")
    parser.add_argument("--mirror", default=MIRROR)
    parser.add_argument("--debian", type=Path, help="keep Debian's files here, and use those that are here")
    parser.add_argument("--keep", action="store_true", help="do nothing if there is an image of this Python and QMK")
    options = parser.parse_args(argv)
    if options.keep and is_current(options.folder, options.engine):
        print(f"{options.folder}: up to date")
        return 0
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        image = build(Path(scratch), options)
    size = sum((options.folder / name).stat().st_size for name in images.FILES)
    print(f"{options.folder}: {image.digest[:16]}, {size >> 20} MiB, engines {', '.join(image.engines)}")
    return 0


def is_current(place: Path, engines: list[str]) -> bool:
    """Whether there is an image of this Python and this QMK, with these engines."""
    try:
        return {*ENGINES, *engines} <= set(images.read(place).engines)
    except QmkError:
        return False


def build(scratch: Path, options: argparse.Namespace) -> Image:
    """Makes the image in ``options.folder``; its manifest is written last."""
    place: Path = options.folder
    (place / images.MANIFEST).unlink(missing_ok=True)
    debian: Path = options.debian or scratch
    libraries, packages = debootstrap(debian / "root", LIBRARIES, options)
    kernel, more = debootstrap(debian / "kernel", ("linux-image-cloud-amd64", "busybox-static"), options)
    root = scratch / "image"
    take_libraries(libraries, root)
    python = take_python(root)
    engines = sorted({*ENGINES, *options.engine})
    wheels = take_modules(root, engines)
    version = make_first(kernel, place, python)
    compile_all(root)
    make_root(root, place / images.ROOT)
    image = Image(
        options.suite, version, images.python_version(), images.code_digest(), engines, {**packages, **more}, wheels,
        {name: hashlib.sha256((place / name).read_bytes()).hexdigest() for name in images.FILES},
    )  # fmt: skip
    (place / images.MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(image), indent=1))
    return image


def debootstrap(at: Path, names: Iterable[str], options: argparse.Namespace) -> tuple[Path, dict[str, str]]:
    """Packages with what they depend on, unpacked and not set up; their versions by name."""
    if not at.exists():
        command = ["mmdebstrap", "--variant=extract", "--mode=root", "--quiet", f"--include={','.join(names)}"]
        subprocess.run([*command, "--skip=cleanup", options.suite, str(at), options.mirror], check=True)
    archives = (at / "var/cache/apt/archives").glob("*.deb")
    fields = [subprocess.run(["dpkg-deb", "-W", str(path)], capture_output=True, text=True, check=True).stdout.split()
              for path in sorted(archives)]  # fmt: skip
    return at, dict(fields)


def take_libraries(debian: Path, root: Path) -> None:
    """Debian's shared libraries, nothing else: no shell, no package has a program here."""
    for top in ("lib", "lib64", "usr/lib"):
        for path in sorted((debian / top).rglob("*.so*")):
            relative = path.relative_to(debian)
            if "python" not in relative.as_posix() and (path.is_file() or path.is_symlink()):
                (root / relative).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, root / relative, follow_symlinks=False)
    for name in ("dev", "proc", "sys", "tmp", "etc", "srv/engine", "usr/bin"):
        (root / name).mkdir(parents=True, exist_ok=True)


def take_python(root: Path) -> str:
    """This Python without its tests and its packages; gives the path of its program in the image."""
    home, short = root / PYTHON_HOME[1:], f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (home / "bin").mkdir(parents=True)
    shutil.copy2(os.path.realpath(sys.executable), home / "bin" / short)
    standard = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(standard, home / "lib" / short, ignore=shutil.ignore_patterns(*NOT_READ, "config-*", "*.a"))
    shared = Path(sysconfig.get_config_var("LIBDIR") or "")
    for path in shared.glob(f"libpython{short.removeprefix('python')}*.so*"):
        shutil.copy2(path, home / "lib" / path.name)
    return f"{PYTHON_HOME}/bin/{short}"


def take_modules(root: Path, engines: list[str]) -> dict[str, str]:
    """QMK, what its worker imports, and the libraries of these engines with all that they depend on."""
    to = root / CODE_HOME[1:]
    shutil.copytree(Path(qmk.__file__).parent, to / "qmk", ignore=shutil.ignore_patterns("__pycache__"))
    needs = [*WORKER_NEEDS]
    for name in engines:
        declaration = discovery.engine(name)
        found = discovery.available(declaration)
        if not found.ok or declaration.devices is not None or found.python:
            raise SystemExit(f"engine {name} cannot be in the image: {found.hint or 'it does not run in this Python'}")
        needs += declaration.requires
    owners = metadata.packages_distributions()
    wheels: dict[str, str] = {}
    for module in dict.fromkeys(needs):
        for owner in owners.get(module.partition(".")[0], []):
            take_wheel(owner, to, wheels)
        take_module(module.partition(".")[0], to)
    return dict(sorted(wheels.items()))


def take_wheel(name: str, to: Path, wheels: dict[str, str]) -> None:
    """A distribution's files, and those of each that it requires."""
    found = metadata.distribution(name)
    if found.name in wheels or found.name == discovery.DISTRIBUTION:
        return
    wheels[found.name] = found.version
    site = Path(str(found.locate_file("")))
    for file in found.files or []:
        source = site / file
        if ".." not in file.parts and "__pycache__" not in file.parts and source.is_file():
            (to / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, to / file)
    for requirement in found.requires or []:
        if "extra ==" not in requirement:
            other = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
            try:
                take_wheel(other, to, wheels)
            except metadata.PackageNotFoundError:
                print(f"{name} may do without {other}, which is not installed", file=sys.stderr)


def take_module(module: str, to: Path) -> None:
    """A module that no distribution has, such as one that was built in place."""
    spec = find_spec(module)
    if spec is None or spec.origin is None or (to / module).exists() or (to / f"{module}.py").exists():
        return
    for folder in spec.submodule_search_locations or []:
        shutil.copytree(folder, to / module, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)


def compile_all(root: Path) -> None:
    """Compiles every module, by the digest of its source, so that a guest neither compiles nor compares times."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for place in (PYTHON_HOME, CODE_HOME):
        strip = str(root)
        compileall.compile_dir(root / place[1:], quiet=2, invalidation_mode=mode, stripdir=strip, workers=1)


def make_root(root: Path, file: Path) -> None:
    """The root as one read-only file."""
    nodes = [word for name, major, minor in DEVICES for word in ("-p", f"dev/{name} c 666 0 0 {major} {minor}")]
    file.unlink(missing_ok=True)
    command = ["mksquashfs", str(root), str(file), "-quiet", "-no-progress", "-comp", "zstd", "-all-root", "-no-xattrs"]
    subprocess.run([*command, *nodes], check=True, stdout=subprocess.DEVNULL)


def make_first(kernel: Path, place: Path, python: str) -> str:
    """The kernel, and the first file system, which mounts the root; gives the kernel's version."""
    (boot,) = kernel.glob("boot/vmlinuz-*")
    version = boot.name.removeprefix("vmlinuz-")
    (place / images.KERNEL).write_bytes(unpacked_kernel(boot.read_bytes()))
    modules = module_files(next(iter(kernel.glob(f"**/modules/{version}"))))
    names = " ".join(name for name, _ in modules)
    init = INIT.format(modules=names, engine=ENGINE_HOME, code=CODE_HOME, home=PYTHON_HOME, python=python)
    files: list[tuple[str, int, bytes]] = [(name, 0o040755, b"") for name in ("bin", "dev", "modules", "root")]
    (busybox,) = kernel.glob("**/bin/busybox")
    files += [("bin/busybox", 0o100755, busybox.read_bytes()), ("init", 0o100755, init.encode())]
    files += [(f"modules/{name}.ko", 0o100644, data) for name, data in modules]
    (place / images.FIRST).write_bytes(b"".join(archive(files)))
    return version


def unpacked_kernel(boot: bytes) -> bytes:
    """The kernel itself, an ELF file, from the file that a BIOS would start (Linux's Documentation/arch/x86/boot.rst):
    machines start it sooner, and Firecracker takes no other."""
    offset, length = struct.unpack_from("<II", boot, 0x248)
    start = 512 * ((boot[0x1F1] or 4) + 1) + offset
    packed, size = boot[start : start + length - 4], struct.unpack_from("<I", boot, start + length - 4)[0]
    tool = next((tool for magic, tool in UNPACKERS.items() if packed.startswith(magic)), None)
    if tool is None:
        raise SystemExit(f"the kernel is packed in a way that is not known here: it begins with {packed[:4].hex()}")
    found = subprocess.run([tool, "-dc"], input=packed, capture_output=True, check=False).stdout
    if len(found) != size or not found.startswith(b"\x7fELF"):
        raise SystemExit(f"{tool} does not unpack the kernel: {len(found)} bytes, {size} were packed")
    return found


def module_files(folder: Path) -> list[tuple[str, bytes]]:
    """The modules that a guest needs, each after those that it needs itself; what the kernel has built in is left
    out."""
    paths = {path.name.partition(".")[0].replace("-", "_"): path for path in folder.rglob("*.ko*")}
    found: dict[str, bytes] = {}

    def take(name: str) -> None:
        if name in found or name not in paths:
            return
        data = content(paths[name])
        needs = re.search(rb"\0depends=([^\0]*)\0", data)
        for other in needs.group(1).decode().split(",") if needs else ():
            take(other.replace("-", "_"))
        found[name] = data

    for name in MODULES:
        take(name)
    return list(found.items())


def content(path: Path) -> bytes:
    """A module's bytes, unpacked."""
    data = path.read_bytes()
    unpack = {".xz": lzma.decompress, ".gz": gzip.decompress, ".ko": bytes}
    return unpack[path.suffix](data)


def archive(files: list[tuple[str, int, bytes]]) -> Iterator[bytes]:
    """A cpio archive of the form "newc": each file's path, mode and bytes."""
    for number, (name, mode, data) in enumerate([*files, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, int(EPOCH), len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        yield head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


if __name__ == "__main__":
    sys.exit(main())
