#!/usr/bin/env bash
# Run a bench on a machine without a network: `bench/away.sh BUNDLE COMMAND...`
#
#   bench/away.sh bundle.tar.xz python3 -m bench.kill_group --rounds 1000 --jobs 12 --log out/kills.jsonl
#
# BUNDLE is an archive of one folder `bundle`: site/ (packages for the Python of that machine, which brings numpy, scipy,
# onnxruntime and pillow itself), bin/ (storescp, Orthanc), pg/ (PostgreSQL), lib/ (their shared libraries), share/.
# It is unpacked once, beside itself or below $TMPDIR. The command runs in this repository with its programs on the PATH.
# Several commands, one after the other: `bench/away.sh BUNDLE bash -c '...'`.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
bundle=$(realpath "$1")
shift
place=${TMPDIR:-/tmp}/coronode-bundle
[ -e "$place/ready" ] || { mkdir -p "$place" && { tar xJf "$bundle" -C "$place" || python3 -m tarfile -e "$bundle" "$place"; } && chmod 755 "$place" && touch "$place/ready"; }
root=$place/bundle
pythons=()
for name in python3.12 python3; do
    found=$(command -v "$name" || true)
    [ -n "$found" ] && "$found" -c 'import sys, numpy, scipy, onnxruntime, PIL; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null && pythons+=("$found")
done
[ ${#pythons[@]} -gt 0 ] || { echo "no Python 3.12 with numpy, scipy, onnxruntime and pillow on the PATH" >&2; exit 2; }
mkdir -p "$place/shims"
# the programs of the bundle need its libraries; those of the machine must not see them
for program in "$root"/bin/* "$root"/pg/lib/postgresql/*/bin/*; do
    name=$(basename "$program")
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' "$root/lib" "$program" >"$place/shims/$name"
    chmod 755 "$place/shims/$name"
done
printf '#!/bin/sh\nexec %q "$@"\n' "${pythons[0]}" >"$place/shims/python3"
chmod 755 "$place/shims/python3"
cd "$here"
export PATH=$place/shims:$PATH PYTHONPATH=$root/site:$here DCMDICTPATH=$root/share/dcmtk/dicom.dic TCP_NODELAY=1
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONPYCACHEPREFIX=$place/pycache
exec "$@"
