"""careloop: four services under one roof."""

import os

# Read when numpy loads its BLAS, so before anything imports it. The matrices here are 4 × 4: a pool of threads only
# spins between them (a fit took seven times the processor time), and services scale by processes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
