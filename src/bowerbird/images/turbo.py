"""simplejpeg, loaded when first needed. It brings numpy, of which only arrays are used: without the
threads of its linear algebra it loads in half the time (45 ms)."""

import os

_THREADS = "OPENBLAS_NUM_THREADS"
_wished = os.environ.get(_THREADS)
os.environ[_THREADS] = _wished or "1"
try:
    from simplejpeg import decode_jpeg as decode_jpeg
finally:
    if _wished is None:
        del os.environ[_THREADS]
