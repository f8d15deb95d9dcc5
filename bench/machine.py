"""What a figure was measured on: processors, memory, Python; and how busy the machine was."""

import os
import platform
from pathlib import Path

import psutil


def machine() -> str:
    """One line, e.g. `2 × Intel(R) Xeon(R) 2.50GHz, 24 GB, Linux, CPython 3.11.7, load 0.4`."""
    gigabytes = psutil.virtual_memory().total / 1024**3
    return (
        f"{os.cpu_count()} × {_processor()}, {gigabytes:.0f} GB, {platform.system()}, "
        f"{platform.python_implementation()} {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
