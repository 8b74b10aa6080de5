#!/usr/bin/env python3
"""Compiles every kernel for each architecture with the build's own options, fails on spills and on local memory, and
writes the table of resources in kernels/README.md (--check: fails where the table is out of date).

usage: resources.py BUILD [--check] [--measured FILE]

BUILD     a build folder configured with nvcc; its phaseselect_kernel_shapes, where built, tells the columns that depend
          on the model's shape
FILE      measurements: {"device": NAME, "kernels": {KERNEL: MICROSECONDS, ...}} for 300 members
"""
import argparse
import concurrent.futures
import difflib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ARCHITECTURES = [80, 86, 89, 90]
# Kernels that may spill or use local memory, each with the reason: {"kernel": "reason"}.
EXCEPTIONS = {}

MEMBERS = 300
BANDWIDTH = 3.35e12  # bytes/s, H100 SXM, HBM3
RATE = 67e12  # operations/s, H100 SXM, fp32 outside tensor cores
TENSOR_RATE = 494e12  # operations/s, H100 SXM, dense tf32: kernels with "tensor" in their name

FOLDER = pathlib.Path(__file__).resolve().parent.parent
README = FOLDER / "README.md"
BEGIN, END = "<!-- generated: resources -->", "<!-- end -->"


def fail(message):
    sys.exit(f"resources.py: {message}")


def compile_commands(build):
    """The build's nvcc command of each kernels/*.cu, without architectures, input kind and output."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        # The executor of tests/simt compiles the same files with the host compiler.
        if source.suffix != ".cu" or source.parent != FOLDER or "--generate-code" not in entry["command"]:
            continue
        kept, words = [], iter(shlex.split(entry["command"]))
        for word in words:
            if word in ("-o", "-x", "-c"):
                if word != "-c":
                    next(words)
            elif not word.startswith("--generate-code") and word != str(source):
                kept.append(word)
        found[source] = kept
    if not found:
        fail(f"{build} compiles no kernels: configure it where nvcc is on the PATH")
    return found


def ptxas_report(source, command):
    with tempfile.TemporaryDirectory() as folder:
        architectures = [f"--generate-code=arch=compute_{a},code=[sm_{a}]" for a in ARCHITECTURES]
        architectures.append(f"--generate-code=arch=compute_{ARCHITECTURES[-1]},code=[compute_{ARCHITECTURES[-1]}]")  # PTX
        command = command + architectures + ["-Xptxas=-v", "-fatbin", str(source), "-o", f"{folder}/kernels.fatbin"]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"{source.name} does not compile:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def parse(report):
    """{(mangled function, architecture): {registers, stack, stores, loads, shared}}; registers only for kernels."""
    usage, architecture, function = {}, None, None
    for line in report.splitlines():
        if entry := re.search(r"Compiling entry function '(\S+)' for 'sm_(\d+)'", line):
            architecture = int(entry[2])
        elif properties := re.search(r"Function properties for (\S+)", line):
            function = usage.setdefault((properties[1], architecture), {})
        elif frame := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            function.update(zip(("stack", "stores", "loads"), map(int, frame.groups())))
        elif used := re.search(r"Used (\d+) registers", line):
            shared = re.search(r"(\d+) bytes smem", line)
            function.update(registers=int(used[1]), shared=int(shared[1]) if shared else 0)
    return usage


def readable(mangled):
    """Demangled, with template arguments, without namespaces and parameters."""
    done = subprocess.run(["c++filt"], input="\n".join(mangled), capture_output=True, text=True, check=True)
    names = {}
    for symbol, name in zip(mangled, done.stdout.splitlines()):
        name = re.sub(r"\b_GLOBAL__N__\w+::|\(anonymous namespace\)::|\bphaseselect::|\bcuda::", "", name)
        name = re.sub(r"^void ", "", name)  # the return type that templates show
        depth = 0
        for place, letter in enumerate(name):
            depth += {"<": 1, ">": -1}.get(letter, 0)
            if letter == "(" and depth == 0:
                name = name[:place]
                break
        names[symbol] = name
    return names


def collect(build):
    """{kernel: {architecture: usage}} of every kernel and of device functions that are not inlined."""
    commands = compile_commands(build)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        usage = {}
        for report in pool.map(ptxas_report, commands.keys(), commands.values()):
            usage.update(parse(report))
    names = readable(sorted({function for function, _ in usage}))
    kernels = {}
    for (function, architecture), found in usage.items():
        kernels.setdefault(names[function], {})[architecture] = found
    return kernels


def complaints(kernels):
    used = set()
    for kernel, found in sorted(kernels.items()):
        for architecture, usage in sorted(found.items()):
            if usage["stack"] == usage["stores"] == usage["loads"] == 0:
                continue
            used.add(kernel)
            if kernel not in EXCEPTIONS:
                yield (f"{kernel} on sm_{architecture}: {usage['stores']} bytes of spill stores, {usage['loads']} of "
                       f"spill loads, {usage['stack']} of local memory")
    for kernel in EXCEPTIONS.keys() - used:
        yield f"{kernel} is listed as an exception and does not need to be"


def blocks_per_sm(registers, threads, shared):
    """Blocks that one sm_90 multiprocessor holds, by the rules of cuda_occupancy.h."""
    warps = -(-threads // 32)
    registers_of_warp = -(-registers * 32 // 256) * 256
    by_registers = (65536 // 4 // registers_of_warp) * 4 // warps
    by_shared = 228 * 1024 // (-(-(shared + 1024) // 128) * 128)
    return min(by_registers, by_shared, 64 // warps, 32)


def shape_costs(build):
    """What phaseselect_kernel_shapes prints: (description of the shape, {kernel: cost}); nothing where not built."""
    program = build / "kernels" / "report" / "phaseselect_kernel_shapes"
    if not program.exists():
        return None, {}
    printed = json.loads(subprocess.run([program], capture_output=True, text=True, check=True).stdout)
    return printed["shape"], {cost["kernel"]: cost for cost in printed["kernels"]}


def row(kernel, found, cost, measured):
    registers = [found[a]["registers"] for a in ARCHITECTURES]
    text = str(registers[0]) if len(set(registers)) == 1 else " / ".join(map(str, registers))
    cells = [f"`{kernel}`", "-", text, f"{found[90]['shared']}", "-", "-", "-", "-", "-", "-"]
    if cost:
        shared = found[90]["shared"] + cost["shared_bytes"]
        blocks = blocks_per_sm(registers[-1], cost["block"], shared)
        rate = TENSOR_RATE if "tensor" in kernel else RATE
        floor = MEMBERS * max(cost["bytes"] / BANDWIDTH, cost["operations"] / rate) * 1e6
        cells[1] = str(cost["block"])
        cells[4:] = [f"{cost['shared_bytes']:,}", f"{blocks} ({100 * blocks * -(-cost['block'] // 32) // 64} %)",
                     cost["unit"],
                     f"{cost['bytes'] / 1e6:.3f} MB", f"{cost['operations'] / 1e6:.3f} M", f"{floor:.1f}"]
    time = measured.get(kernel)
    cells.append("not measured" if time is None else f"{time:.1f}")
    return "| " + " | ".join(cells) + " |"


def table(kernels, shape, costs, measurements, version):
    measured = measurements.get("kernels", {})
    unknown = (costs.keys() | measured.keys()) - kernels.keys()
    if unknown:
        fail(f"no kernel of this name: {', '.join(sorted(unknown))}")
    names = "/".join(str(a) for a in ARCHITECTURES)
    header = ["kernel", "threads of a block", f"registers (sm_{names})", "static shared, bytes",
              "dynamic shared, bytes", "blocks an SM (warps)", "work of a member", "its bytes", "its operations",
              "floor, us", "measured, us"]
    rows = [row(kernel, found, costs.get(kernel), measured) for kernel, found in sorted(kernels.items())
            if "registers" in found[90]]
    notes = [
        f"By nvcc {version}. No kernel spills registers or uses local memory"
        + (", but:" if EXCEPTIONS else "; `./run kernels --check` fails otherwise."),
        *[f"- `{kernel}`: {reason}" for kernel, reason in sorted(EXCEPTIONS.items())],
        "",
        f"Shape: {shape or 'not known in this build'}. Blocks an SM: on sm_90 (65,536 registers, 64 warps, 32 blocks,",
        "228 KB of shared memory, of which a block costs 1 KB more than it asks for), with the share of the warps.",
        "Other instances of a kernel serve other shapes. Work: the unit that bytes, operations, floor and time are for; a",
        "training step is one of each kernel with that unit (one decode). Bytes: device memory that has to move. Operations: a fused multiply-add is two. Floor: computed, not",
        f"measured, the longer of bytes and operations for {MEMBERS} members on an H100 SXM by its data sheet:",
        f"{BANDWIDTH / 1e12} TB/s, {RATE / 1e12:.0f} TFLOP/s in fp32, {TENSOR_RATE / 1e12:.0f} TFLOP/s in dense tf32"
        " (kernels named tensor).",
        f"Measured: {measurements.get('device', 'on no GPU yet')}.",
    ]
    return "\n".join([BEGIN, "| " + " | ".join(header) + " |", "|---" * len(header) + "|", *rows, "", *notes, END])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--measured", type=pathlib.Path)
    options = parser.parse_args()

    kernels = collect(options.build)
    found = list(complaints(kernels))
    if found:
        fail("\n  ".join(["kernels that spill or use local memory:", *found]))
    nvcc = next(iter(compile_commands(options.build).values()))[0]
    version = re.search(r"V(\d+\.\d+\.\d+)", subprocess.check_output([nvcc, "--version"], text=True))[1]
    measurements = json.loads(options.measured.read_text()) if options.measured else {}
    written = table(kernels, *shape_costs(options.build), measurements, version)

    text = README.read_text()
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < begin:
        fail(f"{README} lacks the lines {BEGIN} and {END}")
    present = text[begin:end + len(END)]
    count = sum("registers" in found[90] for found in kernels.values())
    checked = f"{count} kernels on sm_{', sm_'.join(map(str, ARCHITECTURES))}: no spills, no local memory"
    if EXCEPTIONS:
        checked += f" but in {', '.join(sorted(EXCEPTIONS))}"
    if not options.check:
        README.write_text(text[:begin] + written + text[end + len(END):])
        print(f"{checked}; {README} is up to date")
    elif (other := re.search(r"By nvcc ([\d.]+)\. ", present)) and other[1] != version:
        print(f"{checked}; the table in {README} is by nvcc {other[1]}, this is {version}: not compared")
    elif present != written:
        difference = difflib.unified_diff(present.splitlines(), written.splitlines(), "in the tree", "now",
                                          lineterm="", n=0)
        fail("\n".join([f"the table in {README} is out of date: ./run kernels writes it anew", *difference]))
    else:
        print(f"{checked}; the table in {README} is up to date")


if __name__ == "__main__":
    main()
